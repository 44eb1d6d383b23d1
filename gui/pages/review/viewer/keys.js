// Every key, once: what the buttons do, what the keyboard does and what the help lists come from this table.
// `codes` are places on the keyboard, so that a Persian or Cyrillic layout works; `shows` is what is printed there.
const toComment = () => at('comment')?.focus();
const openKeys = () => { if (!at('keys').open) at('keys').showModal(); };
const ACTIONS = [
  { codes: ['KeyA', 'Enter'], shows: ['A', 'Enter'], says: 'Agree', does: 'agree', run: () => decide('agree'), writes: true },
  { codes: [], shows: ['1', '–', '9'], says: 'Choose a class: the predicted class agrees, another overrules', writes: true },
  { codes: ['KeyU'], shows: ['U'], says: 'Unsure', does: 'unsure', run: () => decide('unsure'), writes: true },
  { codes: ['KeyX'], shows: ['X'], says: 'Not diagnostic', does: 'not-diagnostic', run: () => decide('not diagnostic'), writes: true },
  { codes: ['KeyC'], shows: ['C'], says: 'Write a comment; Esc to leave', run: toComment, writes: true },
  { codes: ['ArrowRight', 'KeyJ'], shows: ['→', 'J'], says: 'Next case', does: 'next', run: goNext },
  { codes: ['ArrowLeft', 'KeyK'], shows: ['←', 'K'], says: 'Previous case', does: 'previous', run: goPrevious },
  { codes: ['KeyL'], shows: ['L'], says: 'Show the label in the data', does: 'reveal', run: revealLabel },
  { codes: ['KeyH'], shows: ['H'], says: 'Heatmap on or off', does: 'heat', run: toggleHeat },
  { codes: ['BracketLeft'], shows: ['['], says: 'Fainter heatmap', run: () => opacityBy(-10), again: true },
  { codes: ['BracketRight'], shows: [']'], says: 'Stronger heatmap', run: () => opacityBy(10), again: true },
  { codes: ['KeyG'], shows: ['G'], says: 'Evidence against the class on or off', does: 'against', run: toggleAgainst },
  { codes: ['KeyM'], shows: ['M'], says: 'Choose how the heatmap is made', run: () => openChoice('map-method'), writes: true },
  { codes: ['KeyT'], shows: ['T'], says: 'Choose the class whose evidence it shows', run: () => openChoice('map-class'), writes: true },
  { codes: ['Escape'], shows: ['Esc'], says: 'Cancel a heatmap that is being computed', does: 'stop-map', run: stopMap, writes: true },
  { codes: ['KeyI'], shows: ['I'], says: 'Invert grey values', does: 'invert', run: toggleInvert },
  { codes: ['Equal', 'NumpadAdd'], shows: ['+'], says: 'Zoom in', run: () => zoomBy(1.25), again: true },
  { codes: ['Minus', 'NumpadSubtract'], shows: ['−'], says: 'Zoom out', run: () => zoomBy(0.8), again: true },
  { codes: ['ArrowUp', 'ArrowDown'], shows: ['↑', '↓'], says: 'Move the image; with Shift also ← →', run: (event) => pan(event), again: true },
  { codes: ['KeyF'], shows: ['F'], says: 'Reset the view', does: 'fit', run: resetView },
  { codes: ['KeyV'], shows: ['V'], says: 'Drag moves', does: 'tool-move', run: () => useTool('move') },
  { codes: ['KeyW'], shows: ['W'], says: 'Drag sets brightness and contrast', does: 'tool-window', run: () => useTool('window') },
  { codes: ['KeyR'], shows: ['R'], says: 'Drag draws a region; Shift+R places one', does: 'tool-region', run: (event) => (event?.shiftKey ? addRegion() : useTool('region')), writes: true },
  { codes: [], shows: ['?'], says: 'This list', does: 'keys', run: openKeys },
  { codes: [], shows: [], says: '', does: 'remove-region', run: removeRegion },
  { codes: [], shows: [], says: '', does: 'who', run: () => openWho(false), writes: true },
  { codes: [], shows: [], says: '', does: 'close-who', run: () => at('who').close(), writes: true },
  { codes: [], shows: [], says: '', does: 'close-keys', run: () => at('keys').close() },
].filter((action) => !action.writes || at('comment'));

const BY_CODE = new Map(ACTIONS.flatMap((action) => action.codes.map((code) => [code, action])));
const TYPING = 'input:not([type=range]), textarea, select, [contenteditable=true], [role=listbox], [role=combobox]';
const PRESSABLE = 'button, a, [role=button], [role=tab], summary';

function pan(event) {
  const [dx, dy] = { ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] }[event.code];
  moveBy(dx, dy);
}

function onKey(event) {
  if (!root.isConnected || root.offsetParent === null || root.querySelector('dialog[open]')) return;
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  const target = event.target instanceof Element ? event.target : document.body;
  if (event.code === 'Escape' && root.contains(target)) { target.blur(); return; }
  if (target.closest(TYPING)) return;
  if (event.code === 'Enter' && target.closest(PRESSABLE)) return;
  if (event.code.startsWith('Arrow') && (target.matches('[type=range]') || target.closest('[role=tablist]'))) return;
  const digit = /^(?:Digit|Numpad)([1-9])$/.exec(event.code);
  const action = event.key === '?' || (event.code === 'Slash' && event.shiftKey) ? { run: openKeys }
    : digit && !event.shiftKey ? { run: () => chooseClass(digit[1] - 1) }
    : event.shiftKey && event.code.startsWith('Arrow') ? { run: pan, again: true }
    : BY_CODE.get(event.code);
  if (!action) return;
  if (event.shiftKey && !event.code.startsWith('Arrow') && !['KeyR', 'Slash', 'Equal'].includes(event.code) && event.key !== '?') return;
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
if (!at('comment')) for (const node of root.querySelectorAll('[data-writes]')) node.remove();

for (const name of ['run', 'queue', 'part']) {
  at(name)?.addEventListener('change', () => {
    at(name).blur();
    openReading(name === 'run' ? { run: at('run').value, part: '' } : { [name]: at(name).value });
  });
}
for (const slider of root.querySelectorAll('[type=range]')) slider.addEventListener('pointerup', () => slider.blur());

// An answer that was typed but not stored is not lost to a slip of the hand.
addEventListener('beforeunload', (event) => {
  const unsaid = ([name, value]) => value && value !== String(shown?.before?.answers[name] ?? '');
  if (root.isConnected && Object.entries(answersGiven()).some(unsaid)) event.preventDefault();
});
// Gradio may build the page again; only the newest reading screen listens.
window.overreadKeys?.abort();
window.overreadKeys = new AbortController();
document.addEventListener('keydown', onKey, { signal: window.overreadKeys.signal });
// back from another tab there may be a new run to read
new IntersectionObserver(([entry]) => {
  // A tab that was clicked would keep the arrow keys to itself; one that was reached by the keyboard shall.
  if (entry.isIntersecting) document.querySelector('[role=tab]:focus:not(:focus-visible)')?.blur();
  if (entry.isIntersecting && !busy) openReading(kept('run', '') === at('run').value ? { case: shown?.id, keepDraft: true } : {});
}).observe(root);
showRegions();
openReading({ case: kept('case', '') });
