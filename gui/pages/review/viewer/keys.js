// Every key, once: what the buttons do, what the keyboard does and what the help lists come from this table.
// `codes` are places on the keyboard, so that a Persian or Cyrillic layout works; `shows` is what is printed there.
const ACTIONS = [
  { codes: ['KeyA', 'Enter'], shows: ['A', 'Enter'], says: _('Agree'), does: 'agree', run: () => decide('agree'), writes: true },
  { codes: [], shows: ['1', '–', '9'], says: _('Choose a class: the predicted one agrees, another overrules; of more than nine the first nine listed'), writes: true },
  { codes: ['KeyU'], shows: ['U'], says: _('Unsure'), does: 'unsure', run: () => decide('unsure'), writes: true },
  { codes: ['KeyX'], shows: ['X'], says: _('Not diagnostic'), does: 'not-diagnostic', run: () => decide('not diagnostic'), writes: true },
  { codes: ['KeyC'], shows: ['C'], says: _('Write a comment; Esc to leave'), run: toComment, writes: true },
  { codes: ['ArrowRight', 'KeyJ'], shows: ['→', 'J'], says: _('Next case'), does: 'next', run: goNext },
  { codes: ['ArrowLeft', 'KeyK'], shows: ['←', 'K'], says: _('Previous case'), does: 'previous', run: goPrevious },
  { codes: ['KeyZ'], prints: 'z', shows: ['Z'], says: _('Undo: take back your last answer, then the one before it'), does: 'undo', run: undo, writes: true },
  { codes: ['KeyS'], shows: ['S'], says: _('Flag or unflag the case, with what stands in the comment'), does: 'flag', run: flag, writes: true },
  { codes: ['Slash'], shows: ['/'], says: _('Type part of a class, where there are more than nine; else find a case'), run: toTyping },
  { codes: ['KeyN'], shows: ['N'], says: _('Find: a number, a part of an id, file or patient, or words'), run: () => { at('find').focus(); at('find').select(); } },
  { codes: ['KeyE'], shows: ['E'], says: _('End the session: summary, very fast answers, export'), does: 'finish', run: finish, writes: true },
  { codes: ['KeyL'], shows: ['L'], says: _('Show the label in the data'), does: 'reveal', run: revealLabel },
  ...MAP_ACTIONS,
  { codes: ['KeyM'], shows: ['M'], says: _('Choose how the heatmap is made'), run: () => openChoice('map-method'), writes: true },
  { codes: ['KeyT'], shows: ['T'], says: _('Choose the class whose evidence it shows'), run: () => openChoice('map-class'), writes: true },
  { codes: ['Escape'], shows: ['Esc'], says: _('Cancel a heatmap that is being computed'), does: 'stop-map', run: stopMap, writes: true },
  ...IMAGE_ACTIONS,
  { codes: [], shows: [], says: '', does: 'who', run: () => openWho(false), writes: true },
  { codes: [], shows: [], says: '', does: 'export', run: exportReadings, writes: true },
  { codes: [], shows: [], says: '', does: 'close-summary', run: goOn, writes: true },
  { codes: [], shows: [], says: '', does: 'close-who', run: () => at('who').close(), writes: true },
].filter((action) => !action.writes || at('comment'));

if (!at('comment')) for (const node of root.querySelectorAll('[data-writes]')) node.remove();

for (const name of ['run', 'queue', 'part']) {
  at(name)?.addEventListener('change', () => {
    at(name).blur();
    openReading(name === 'run' ? { run: at('run').value, part: '' } : { [name]: at(name).value });
  });
}

// back from another tab there may be a new run to read
new IntersectionObserver(([entry]) => {
  // A tab that was clicked would keep the arrow keys to itself; one that was reached by the keyboard shall.
  if (entry.isIntersecting) document.querySelector('[role=tab]:focus:not(:focus-visible)')?.blur();
  if (!entry.isIntersecting || busy) return;
  if (elsewhere()) follow();
  else openReading({ case: shown?.id, keepDraft: true });
}).observe(root);
showRegions();
addEventListener('overread-here', follow);
notice(_('The first image is on its way…'));
openReading({ case: named('case') || kept('case', '') });
