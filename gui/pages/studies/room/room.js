// One case of a study on the screen. What the server has not sent does not exist here: a blind case comes as its image and
// the classes, and of the next cases nothing but their images is fetched ahead.
const COLOURS = ['#ffcf70', '#8cc8ff', '#9be28f', '#f2a0d8'];
let reading = null;         // the server's name for this reading session
let shown = null;           // the case on the screen, as the server described it
let chosen = null;          // the class whose certainty is asked
let seen = false;
let turn = 0;               // what a person asked last has this number: an answer to anything older is not shown
let given = { said: '', name: '' };
let undone = '';            // the name of an undo that may be asked for again after the line broke
const usualMap = () => true;   // a study shows the run's own map or none

async function ask(name, question = {}, late = () => {}) {
  const mine = turn;
  let answer;
  try {
    answer = await server[name]({ reading, ...question });
    if (!answer) throw new Error('refused');
  } catch {
    toast(window.overread.unanswered(_('Overread is not responding. Check that the program is still running, then try again.')));
    if (name === 'answer') text('stored', window.overread.unanswered('') ? _('Not stored') : _('Not known to be stored: give the answer again'));
    return null;
  }
  if (answer.ok) {
    at('toast').hidden = true;
    return mine === turn ? answer : late(answer) ?? null;
  }
  toast(answer.problem);
  // A server that went away while it wrote may have stored the answer: given again, by its name, it is there once.
  if (name === 'answer') text('stored', answer.kind === 'ServerAway' ? _('Not known to be stored: give the answer again') : _('Not stored'));
  if (answer.kind === 'StaleCaseError' && mine === turn) await openStudy({ study: root.dataset.study, reader: root.dataset.reader, keepToast: true });
  return null;
}

async function act(work) {
  if (busy || !reading) return;
  turn += 1;
  setBusy(true);
  try {
    await work();
  } finally {
    setBusy(false);
  }
}

async function openStudy({ study, reader, keepToast = false }) {
  const said = at('toast').textContent, mine = turn += 1;
  root.hidden = false;
  document.getElementById('studies-desk')?.toggleAttribute('data-away', true);
  let answer;
  try {
    answer = await server.open_study({ study, reader, page: pageName });
  } catch {
    answer = null;
  }
  if (mine !== turn) {   // left, or another was opened meanwhile
    if (answer?.ok && root.hidden) server.leave_study({ reading: answer.reading }).catch(() => {});
    return;
  }
  if (!answer?.ok) {
    notice([answer?.problem ?? window.overread.unanswered(_('Overread is not responding. Check that the program is still running.'))]);
    return;
  }
  reading = answer.reading;
  [root.dataset.study, root.dataset.reader] = [study, answer.reader];
  text('study', answer.study);
  text('reader', answer.reader);
  if (answer.colours) takeColours(answer.colours);
  await present(answer);
  if (keepToast) toast(said);
  root.focus({ preventScroll: true });
}

const unsaid = () => Boolean(shown) && (at('comment').value !== (shown.before?.comment ?? '') || regionsUnsaid(shown.before?.regions));
function saveDraft() {
  if (unsaid()) keep(shown.key, JSON.stringify({ comment: at('comment').value, regions }));
  else if (shown) forgetDraft(shown.key);
}

async function present(answer, { stored = false } = {}) {
  if (!stored) saveDraft();
  else if (shown) forgetDraft(shown.key);
  text('count', answer.place);
  at('progress').max = answer.of || 1;
  at('progress').value = answer.read;
  text('arm', answer.arm);
  const next = answer.case;
  chosen = null;
  if (!next) {
    shown = null;
    besideCase();
    takeRegions();
    root.dataset.arm = '';
    showRegions();
    root.toggleAttribute('data-empty', true);
    notice(answer.message);
    return;
  }
  const newImage = picture(next.image), map = picture(next.heat ?? ''), mine = turn;
  const [imageRead, mapRead] = await Promise.all([newImage.ready, map.ready]);
  if (mine !== turn) return;
  const ahead = answer.ahead ?? [];
  for (const address of fetched.keys()) if (address !== next.image && !ahead.some((one) => one.image === address)) fetched.delete(address);
  seen = imageRead;
  root.toggleAttribute('data-empty', false);
  root.toggleAttribute('data-map', Boolean(next.heat));
  root.dataset.arm = next.arm;
  at('notice').hidden = true;
  shown = next;
  shown.key = `study-draft.${root.dataset.study} ${root.dataset.reader} ${next.arm} ${next.id}`;
  const draft = draftAt(shown.key) ?? next.before;
  if (image !== newImage.image) putOnStage(newImage.image, next.heat && mapRead ? map.image : new Image(), next.depth);
  else {
    takeLevels(next.heat && mapRead ? map.image : new Image());
    showHeat();
  }
  image.alt = _('The image of this case');
  showLegend(next.heat && mapRead ? next.legend : null);
  takeRegions(draft?.regions);
  at('comment').value = draft?.comment ?? '';   // before the regions are shown, which keeps what stands there as this case's
  showRegions();
  besideCase();
  at('comment').placeholder = next.arm === 'adjudication' ? _('The reason (C; needed to settle a case)') : _('Comment (C; Esc to leave)');
  at('before').hidden = !next.remark;
  text('before', next.remark ?? '');
  text('corner-name', next.name);
  describe(next);
  if (!imageRead) {
    fetched.delete(next.image);
    notice([await window.overread.whyNot(next.image)]);
  }
  await painted();
  if (mine !== turn) return;
  [wake, slept] = [performance.now(), 0], guard();
  root.dataset.shown = `${next.arm} ${next.id}`;
  for (const one of ahead) picture(one.image);
  filmAhead(ahead[0]?.depth);
}

function describe(next) {
  const advice = next.advice;
  at('advice').hidden = !advice;
  text('predicted', advice?.predicted ?? '');
  text('predicted-share', advice ? inPercent(advice.probabilities[next.classes.indexOf(advice.predicted)]) : '');
  const order = advice ? inOrder(next.classes, advice.probabilities, advice.predicted) : [];
  at('shares').replaceChildren(...order.map((number) => share(next.classes[number], advice, number)));
  text('operating', advice?.operating ?? '');
  text('method', advice?.method ?? '');
  at('agree').hidden = !advice;
  text('question', next.question);
  at('readings').hidden = !next.readings;
  at('readings').replaceChildren(...(next.readings ?? []).map(othersReading));
  root.querySelector('.st-others')?.remove();
  if (next.readings) drawOthers(next.readings);
  at('on').hidden = !next.read;
  showClasses('');
  showCertainty();
}

function share(name, advice, number) {
  const item = document.createElement('li'), row = document.createElement('div');
  row.className = 'rv-class' + (name === advice.predicted ? ' rv-first' : '');
  const label = document.createElement('b'), figure = document.createElement('span'), track = document.createElement('span'), bar = document.createElement('i');
  label.append(isolated(name));
  label.translate = false;
  figure.className = 'rv-share';
  figure.textContent = inPercent(advice.probabilities[number]);
  track.className = 'rv-track';
  bar.style.width = percent(advice.probabilities[number]);
  track.append(bar);
  row.append(document.createElement('span'), label, figure, track);
  item.append(row);
  return item;
}

function othersReading(one, number) {
  const box = document.createElement('div'), who = document.createElement('b');
  box.className = 'st-reading';
  box.style.setProperty('--st-colour', COLOURS[number % COLOURS.length]);
  who.textContent = one.who;
  box.append(who, ` ${one.said}`);
  if (one.comment) {
    const comment = document.createElement('p');
    comment.dir = 'auto';
    comment.translate = false;
    comment.textContent = `“${one.comment}”`;
    box.append(comment);
  }
  return box;
}

function drawOthers(readings) {
  const others = node('svg', { class: 'rv-regions st-others', preserveAspectRatio: 'none', viewBox: layer.getAttribute('viewBox') });
  readings.forEach((one, number) => {
    for (const region of one.regions) {
      const shape = outline(wholeRegion(region), 'st-shape'), title = node('title', {});
      title.textContent = [one.who, region.label].filter(Boolean).join(': ');
      shape.style.setProperty('--st-colour', COLOURS[number % COLOURS.length]);
      shape.append(title);
      others.append(shape);
    }
  });
  sheet.append(others);
}

// --------------------------------------------------------------------------------------------- the answer by keys

function showClasses(typed) {
  const many = shown.classes.length > MOST_KEYS;
  const fitting = shown.classes.map((name, number) => [name, number]).filter(([name]) => fits(name, typed));
  const buttons = fitting.map(([name, number]) => {
    const button = document.createElement('button'), key = document.createElement(number < MOST_KEYS ? 'kbd' : 'span'), words = document.createElement('span');
    button.type = 'button';
    key.textContent = number < MOST_KEYS ? number + 1 : '';
    words.append(isolated(name));
    words.translate = false;
    button.setAttribute('aria-pressed', chosen === number);
    button.append(key, words);
    button.onclick = () => chooseNumber(number);
    return button;
  });
  at('classes').classList.toggle('st-many', shown.classes.length > 5);
  const old = at('classes').querySelector('input');
  if (!many) return at('classes').replaceChildren(...buttons);
  const box = old ?? typingBox(showClasses, chooseNumber);
  if (!typed) box.value = '';
  for (const node of [...at('classes').children]) if (node !== box) node.remove();
  if (!old) at('classes').append(box);
  at('classes').append(...buttons);
}

function showCertainty() {
  const scale = shown.certainty;
  at('certainty').hidden = chosen === null;
  if (chosen === null || !scale) return;
  text('certainty-words', fill(scale.words, { answer: document.documentElement.dir === 'rtl' ? `\u2068${shown.classes[chosen]}\u2069` : shown.classes[chosen] }));
  at('percent').hidden = scale.most <= 9;
  at('scale').replaceChildren(...(scale.most > 9 ? [] : Array.from({ length: scale.most - scale.least + 1 }, (_, step) => {
    const button = document.createElement('button'), key = document.createElement('kbd');
    button.type = 'button';
    button.className = 'rv-button';
    key.textContent = step + scale.least;
    button.append(key);
    button.onclick = () => store('read', chosen, step + scale.least);
    return button;
  })));
  if (scale.most > 9) {
    at('percent-number').value = '';
    at('percent-number').focus();
  }
}

// A digit is a class; once a class is chosen and its certainty asked, a digit of the scale is that.
function chooseClass(number) {
  if (!shown) return;
  const scale = shown.certainty;
  if (chosen !== null && scale && scale.most <= 9) {
    if (number + 1 >= scale.least && number + 1 <= scale.most) store('read', chosen, number + 1);
    return;
  }
  if (number < Math.min(MOST_KEYS, shown.classes.length)) chooseNumber(number);
}

function chooseNumber(number) {
  if (!shown || busy || tooEarly()) return;
  if (!shown.certainty) return store('read', number, null);
  chosen = number;
  showClasses('');
  showCertainty();
}

function rechoose() {
  if (chosen === null) return;
  chosen = null;
  showClasses('');
  showCertainty();
  root.focus({ preventScroll: true });
}

const agree = () => { if (shown?.advice) chooseNumber(shown.classes.indexOf(shown.advice.predicted)); };

const store = (verdict, number = null, certainty = null) => act(async () => {
  if (!shown || tooEarly()) return;
  if (!seen && verdict === 'read') {
    toast(_('This image cannot be shown, so it cannot be read.'));
    return;
  }
  const said = {
    shown: shown.id, arm: shown.arm, verdict, label: number === null ? null : shown.classes[number], certainty,
    comment: at('comment').value, regions,
  };
  if (given.said !== JSON.stringify(said)) given = { said: JSON.stringify(said), name: randomName() };
  const { key } = shown, taken = { ...said, name: given.name, seconds: secondsRead() };
  const answer = await ask('answer', taken, ({ stored }) => {   // the study was left meanwhile: what was written is stored
    forgetDraft(key);
    text('stored', fill(_('{stored}, given before you went elsewhere'), { stored }));
    if (root.hidden) window.dispatchEvent(new CustomEvent('overread-study-left'));   // one more is read than its list says
  });
  if (!answer) return;
  given = { said: '', name: '' };
  undone = '';   // an undo after this is of this
  text('stored', answer.stored);
  if (answer.trouble) toast(answer.trouble);
  else await present(answer, { stored: true });
});

const undo = () => act(async () => {
  undone ||= randomName();
  const answer = await ask('undo', { name: undone });
  if (!answer) return;
  undone = '';
  text('stored', answer.stored);
  await present(answer);
});

const goTo = (number) => act(async () => {
  const answer = await ask('go_to', { number });
  if (answer) await present(answer);
});
const goOn = () => act(async () => {
  const answer = await ask('go_on');
  if (answer) await present(answer);
});

function notice(lines) {
  text('notice-text', lines.join('\n'));
  const back = document.createElement('button');
  back.type = 'button';
  back.className = 'rv-button';
  back.textContent = _('Back to the studies');
  back.onclick = leave;
  at('notice-actions').replaceChildren(back);
  at('notice').hidden = false;
}

function leave() {
  turn += 1;
  saveDraft();
  if (reading) server.leave_study({ reading }).catch(() => {});
  [reading, shown, root.hidden] = [null, null, true];
  root.removeAttribute('data-shown');
  document.getElementById('studies-desk')?.toggleAttribute('data-away', false);
  window.dispatchEvent(new CustomEvent('overread-study-left'));
}

const ACTIONS = [
  { codes: [], shows: ['1', '–', '9'], says: _('The class of that number; then its certainty, where the study asks for it') },
  { codes: ['Slash'], shows: ['/'], says: _('Type part of a class, where there are more than nine'), run: () => at('classes').querySelector('input')?.focus() },
  { codes: ['KeyA'], shows: ['A'], says: _('Agree with the prediction, once it is shown'), does: 'agree', run: agree },
  { codes: ['KeyU'], shows: ['U'], says: _('Unsure'), does: 'unsure', run: () => store('unsure') },
  { codes: ['KeyX'], shows: ['X'], says: _('Not diagnostic'), does: 'not-diagnostic', run: () => store('not diagnostic') },
  { codes: ['Escape'], shows: ['Esc'], says: _('Choose another class'), does: 'rechoose', run: rechoose },
  { codes: ['KeyC'], shows: ['C'], says: _('Write a comment; Esc to leave'), run: toComment },
  { codes: ['KeyZ'], shows: ['Z'], says: _('Take back the last answer'), does: 'undo', run: undo },
  { codes: ['KeyN'], shows: ['N'], says: _('Go to case number …'), run: () => at('jump-to').select() },
  { codes: ['ArrowRight'], shows: ['→'], says: _('Next case that is not yet read'), does: 'on', run: goOn },
  ...MAP_ACTIONS,
  ...IMAGE_ACTIONS,
  { codes: [], shows: [], says: '', does: 'leave', run: leave },
];

at('jump').onsubmit = (event) => {
  event.preventDefault();
  at('jump-to').blur();
  goTo(at('jump-to').value);
  at('jump-to').value = '';
};
at('percent').onsubmit = (event) => {
  event.preventDefault();
  // in whatever digits the keyboard writes
  const typed = at('percent-number').value.trim().replace(/[٠-٩۰-۹]/g, (digit) => digit.charCodeAt(0) % 16), certainty = Number(typed);
  if (!/^\d{1,3}$/.test(typed) || certainty > 100) {
    toast(_('Enter a whole number from 0 to 100.'));
    return;
  }
  at('percent-number').blur();
  store('read', chosen, certainty);
};
at('percent-number').onkeydown = (event) => { if (event.key === 'Escape') { event.stopPropagation(); rechoose(); } };
root.addEventListener('regions-drawn', saveDraft);
at('comment').addEventListener('input', saveDraft);
addEventListener('pagehide', () => { if (reading) server.leave_study({ reading }).catch(() => {}); });
window.overreadRead?.abort();
window.overreadRead = new AbortController();
window.addEventListener('overread-study-open', (event) => openStudy(event.detail), { signal: window.overreadRead.signal });
showRegions();
