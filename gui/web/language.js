// The words of the page in the language that was asked for. Runs before everything else, so that Gradio finds a browser
// that speaks this language alone. In what we write: _("…"), ngettext("one", "many", n), fill("{n} of {all}", { n, all }).
(() => {
  const { code, words, form } = OR_LANGUAGE;
  for (const [name, value] of [['language', code], ['languages', [code]]]) Object.defineProperty(navigator, name, { get: () => value });
  const told = (text) => (typeof words[text] === 'string' ? words[text] : words[text]?.[0]);
  const written = {};
  window.numeral = (value, decimals = 0) => (written[decimals] ??= new Intl.NumberFormat(code,
    { minimumFractionDigits: decimals, maximumFractionDigits: decimals })).format(value);
  // A figure that is not told in thousands, in the language's own digits.
  window.inDigits = (written) => (numeral(0) === '0' ? written : written.replace(/(^|[^\d.])(?=\.\d)/g, (before) => before + '0').replace(/(\d)\.(?=\d)/g, `$1${numeral(.5, 1)[1]}`).replace(/\d/g, (digit) => numeral(Number(digit))));
  window._ = (text) => told(text) || text;
  window.ngettext = (one, many, count) => words[one]?.[form(count)] || (form(count) && many || (count === 1 ? one : many));
  window.fill = (text, values) => text.replace(/\{(\w+)\}/g, (all, name) => {
    const value = values[name];
    return value === undefined ? all : typeof value === 'number' ? numeral(value, Number.isInteger(value) ? 0 : 2) : value;
  });
  // A browser's field of numbers hears no digits but 0 to 9: those of Persian and Arabic keyboards become them.
  const plain = (typed) => typed.replace(/[\u0660-\u0669\u06f0-\u06f9]/g, (digit) => digit.charCodeAt(0) & 15).replace(/\u066b/g, '.').replace(/\u066c/g, '');
  addEventListener('beforeinput', (event) => {
    const typed = event.data ?? '';
    if (event.target.type !== 'number' || plain(typed) === typed) return;
    event.preventDefault();
    document.execCommand('insertText', false, plain(typed));
  });
})();
