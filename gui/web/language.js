// The words of the page in the language that was asked for. Runs before everything else, so that Gradio finds a browser
// that speaks this language alone. In what we write: _("…"), ngettext("one", "many", n), fill("{n} of {all}", { n, all }).
(() => {
  const { code, words, form } = OR_LANGUAGE;
  for (const [name, value] of [['language', code], ['languages', [code]]]) Object.defineProperty(navigator, name, { get: () => value });
  const told = (text) => (typeof words[text] === 'string' ? words[text] : words[text]?.[0]);
  const written = {};
  window.numeral = (value, decimals = 0) => (written[decimals] ??= new Intl.NumberFormat(code,
    { minimumFractionDigits: decimals, maximumFractionDigits: decimals })).format(value);
  window._ = (text) => told(text) || text;
  window.ngettext = (one, many, count) => words[one]?.[form(count)] || (form(count) && many || (count === 1 ? one : many));
  window.fill = (text, values) => text.replace(/\{(\w+)\}/g, (all, name) => {
    const value = values[name];
    return value === undefined ? all : typeof value === 'number' ? numeral(value, Number.isInteger(value) ? 0 : 2) : value;
  });
})();
