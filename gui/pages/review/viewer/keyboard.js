// What any table of keys does: `ACTIONS` is the screen's own, `chooseClass(number)` takes its digits.
// An action that `prints` a letter is found by what is printed on the key, where that is a Latin letter.
const BY_CODE = new Map(ACTIONS.filter((action) => !action.prints).flatMap((action) => action.codes.map((code) => [code, action])));
const TYPING = 'input:not([type=range]), textarea, select, [contenteditable=true], [role=listbox], [role=combobox]';
const PRESSABLE = 'button, a, [role=button], [role=tab], summary';

function pan(event) {
  const [dx, dy] = { ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] }[event.code];
  moveBy(dx, dy);
}

const isPrinted = (event, action) => (/^[a-z]$/i.test(event.key) ? event.key.toLowerCase() === action.prints : action.codes.includes(event.code));

function onKey(event) {
  if (!root.isConnected || root.offsetParent === null || root.querySelector('dialog[open]')) return;
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  const target = event.target instanceof Element ? event.target : document.body;
  if (!target.closest(TYPING) && drawingKey(event)) return;
  if (event.code === 'Escape' && target !== root && root.contains(target)) { target.blur(); return; }
  if (target.closest(TYPING)) return;
  // a key that is held down on a button would press it again and again
  if (event.repeat && ['Enter', 'NumpadEnter'].includes(event.code) && root.contains(target) && target.closest(PRESSABLE)) {
    event.preventDefault();
    return;
  }
  if (['Enter', 'NumpadEnter'].includes(event.code) && target.closest(PRESSABLE)) return;
  if (event.code.startsWith('Arrow') && (target.matches('[type=range]') || target.closest('[role=tablist]'))) return;
  const digit = /^(?:Digit|Numpad)([1-9])$/.exec(event.code);
  const action = event.key === '?' || (event.code === 'Slash' && event.shiftKey) ? { run: openKeys }
    : digit ? { run: () => (event.shiftKey ? useWindow(digit[1] - 1) : chooseClass(digit[1] - 1)) }
    : event.shiftKey && event.code.startsWith('Arrow') ? { run: pan, again: true }
    : ACTIONS.find((one) => one.prints && isPrinted(event, one)) ?? BY_CODE.get(event.code);
  if (!action) return;
  if (event.shiftKey && !event.code.startsWith('Arrow') && !digit && !['KeyR', 'KeyO', 'KeyD', 'KeyQ', 'Slash', 'Equal'].includes(event.code) && event.key !== '?') return;
  event.preventDefault();
  if (!event.repeat || action.again) action.run(event);
}

for (const action of ACTIONS) {
  if (!action.does) continue;
  for (const button of root.querySelectorAll(`[data-do="${action.does}"]`)) {
    button.onclick = (event) => {
      action.run(event);
      if (event.detail) button.blur();   // a mouse click leaves no button behind that Enter would press again
    };
  }
}
at('keys-list').replaceChildren(...ACTIONS.filter((action) => action.shows.length).map(({ shows, says }) => {
  const line = document.createElement('div'), keys = document.createElement('span'), words = document.createElement('span');
  keys.append(...shows.map((show) => {
    const key = document.createElement(show === '–' ? 'span' : 'kbd');
    key.textContent = show;
    return key;
  }));
  words.textContent = says;
  line.append(keys, words);
  return line;
}));
for (const slider of root.querySelectorAll('[type=range]')) slider.addEventListener('pointerup', () => slider.blur());

// Gradio may build a page again; of each reading screen only the newest listens.
window.overreadKeys ??= {};
window.overreadKeys[root.ariaLabel]?.abort();
window.overreadKeys[root.ariaLabel] = new AbortController();
document.addEventListener('keydown', onKey, { signal: window.overreadKeys[root.ariaLabel].signal });
