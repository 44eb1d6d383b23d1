// One case on the screen. A verdict can be given only for the image that has been painted: while another is on its
// way `busy` is set and keys do nothing, and the server refuses a verdict whose case it did not hand out last.
let reading = null;     // the server's name for this reading session
let shown = null;       // the case whose image is on the screen, as the server described it
let seen = false, closed = false;
let opening = null;     // the last reading session that was asked for, with what a person chose, until it is there
let turn = 0;           // what a person asked last has this number: an answer to anything older is not shown
let asked = '';         // where the address led when the case that is on its way was asked for
let trail = [];         // cases shown before this one, for Previous
let comingCases = [];   // the next ones of the queue
let data = '';          // the data set of the run that is read
let given = { said: '', name: '' };
const VERDICTS = { agree: _('agree'), overrule: _('overrule'), unsure: _('unsure'), 'not diagnostic': _('not diagnostic') };
// What a reader can answer beside the verdict: each control is named after its field of a review.
const controls = [...root.querySelectorAll('[data-field]')];
const answersGiven = () => Object.fromEntries(controls.map((control) => [control.dataset.field, control.value]));

// Who went away while it wrote may have stored the answer: given again, by its name, it is there once.
const ofVerdict = (told, { verdict, shown: id }) => fill(told, { verdict: VERDICTS[verdict], case: id.slice(0, 8) });
const notKnown = (question) => text('stored', ofVerdict(_('Not known to be stored, give it again: {verdict} (case {case})'), question));
const notStored = (question) => text('stored', ofVerdict(_('Not stored: {verdict} (case {case})'), question));

// Call the server; null means that there is no answer to show and the person has been told why, or is elsewhere (`late`).
async function ask(name, question, late = () => {}) {
  const asker = reading, mine = busy ? turn : 0;   // beside what a person does one after the other, such as an export
  let answer;
  try {
    answer = await server[name]({ reading, ...question });
    if (!answer) throw new Error('refused');   // what Gradio's client makes of it
  } catch {
    toast(window.overread.unanswered(_('Overread is not responding. Check that the program is still running, then try again.')));
    if (name === 'decide') (window.overread.unanswered('') ? notStored : notKnown)(question);
    return null;
  }
  if (!answer.ok) {
    toast(answer.problem);
    if (name === 'decide' && answer.kind === 'ServerAway') notKnown(question);
    else if (name === 'decide') notStored(question);
    if (answer.kind === 'StaleCaseError' && [0, turn].includes(mine)) await openReading({ case: shown?.id, keepDraft: true });
    return null;
  }
  at('toast').hidden = true;
  // What comes for a session that was left, or is being left, is of no case on the screen.
  return asker === reading && [0, turn].includes(mine) ? answer : late(answer) ?? null;
}

// --------------------------------------------------------------------------------------------------- images

function fetchAhead(upcoming) {
  const wanted = upcoming.flatMap((next) => [next.image, next.heat]).filter(Boolean);
  for (const address of wanted) picture(address);
  const used = new Set([...wanted, shown?.image, shown?.heat]);
  for (const address of fetched.keys()) if (!used.has(address)) fetched.delete(address);
}

// ----------------------------------------------------------------------------------------------- what is shown

async function present(answer, { keepDraft = false } = {}) {
  const next = answer.case, mine = turn;
  text('count', answer.place);
  at('progress').max = answer.total || 1;
  at('progress').value = answer.read;
  if (!next) {
    shown = null;
    besideCase();
    root.toggleAttribute('data-empty', true);
    notice([answer.message, inWords(answer.summary)].filter(Boolean).join('\n\n'), answer.others);
    return;
  }
  const newImage = picture(next.image), newHeat = picture(next.heat);
  const [imageRead, heatRead] = await Promise.all([newImage.ready, newHeat.ready]);
  if (mine !== turn) return;
  root.toggleAttribute('data-empty', false);
  at('notice').hidden = true;
  const same = keepDraft && shown?.id === next.id;
  if (!same && !answer.stored) saveDraft();
  next.draftKey = draftKey(next.id);
  const draft = answer.draft ?? draftAt(next.draftKey) ?? next.before;
  shown = next;
  comingCases = answer.upcoming;
  seen = imageRead;
  offerClasses(next);
  const asUsual = heatRead && usualMap();
  if (image !== newImage.image) putOnStage(newImage.image, asUsual ? newHeat.image : new Image(), next.depth);
  image.alt = _('The image of this case');
  describe(next, heatRead);
  showLegend(asUsual ? next.legend : null);
  if (!(same && mapComing)) settleMap(asUsual ? next.legend : null);
  if (!same) {
    takeRegions(draft?.regions);
    for (const control of controls) control.value = draft?.answers[control.dataset.field] ?? '';
  }
  showRegions();
  if (!same) besideCase();
  if (!imageRead) {
    fetched.delete(next.image);
    notice((await window.overread.whyNot(next.image)) + '\n' + _('Continue with the next case; this one can be read once its file is available again.'), []);
    askWhere();
  }
  await painted();
  if (mine !== turn) return;
  if (!same) [wake, slept] = [performance.now(), 0], guard();
  // What the eye does not wait for comes after the image: the address, and the images of the next cases.
  keep('case', next.id);
  writeAddress({ case: next.id });
  root.dataset.reading = reading;
  root.dataset.shown = next.id;
  fetchAhead(answer.upcoming);
  server.remember({ reading, shown: next.id }).catch(() => {});   // only so that a later session starts here
  filmAhead(answer.upcoming[0]?.depth);
}

function notice(message, choices = []) {
  text('notice-text', message);
  at('notice-actions').replaceChildren(...choices.map((queue) => {
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'rv-button';
    button.textContent = fill(_('Read “{queue}”'), { queue: [...at('queue').options].find((one) => one.value === queue)?.text ?? queue });
    button.onclick = () => openReading({ queue });
    return button;
  }));
  if (choices.length && at('comment')) {
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'rv-button';
    button.textContent = _('Summary of this session');
    button.onclick = finish;
    at('notice-actions').append(button);
  }
  const report = document.getElementById('page-report-button');
  if (report && choices.length) {
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'rv-button';
    button.textContent = _('Go to the report');
    button.onclick = () => report.click();
    at('notice-actions').append(button);
  }
  at('notice').hidden = false;
}

// A folder that was moved is found again by the images' hashes; what was written and drawn stays on the screen.
function askWhere() {
  if (!at('comment')) return;
  const folder = document.createElement('input'), look = document.createElement('button');
  folder.type = 'text';
  folder.className = 'rv-where';
  folder.placeholder = _('Where are they now? The folder of the images');
  folder.setAttribute('aria-label', _('Where are they now?'));
  look.type = 'button';
  look.className = 'rv-button';
  look.textContent = _('Look there');
  look.onclick = async () => {
    look.disabled = true;
    const answer = await ask('find_images', { folder: folder.value });
    look.disabled = false;
    if (!answer) return;
    if (answer.found) {
      fetched.clear();
      filmsFetched.clear();
      if (!busy) await openReading({ case: shown?.id, keepDraft: true });
    }
    toast(answer.said);
  };
  folder.onkeydown = (event) => { if (event.key === 'Enter') look.click(); };
  at('notice-actions').append(folder, look);
}

function describe(next, heatRead) {
  text('corner-name', next.name);
  text('predicted', next.predicted);
  text('predicted-share', inPercent(next.probabilities[next.classes.indexOf(next.predicted)]));
  offerTyping(next.classes);
  listClasses();
  at('classes').parentElement.scrollTop = 0;
  at('classes').classList.toggle('rv-many', next.classes.length > 4);
  text('operating', next.operating);
  text('validated', next.validated);
  text('entropy', fill(_('{value} of {most}'), { value: numeral(next.entropy, 2), most: numeral(next.most_entropy, 2) }));
  at('entropy-bar').style.width = percent(clamp(next.entropy / next.most_entropy, 0, 1));
  for (const name of ['distance', 'dropout', 'conformal']) {
    at(name).hidden = at(name + '-name').hidden = !next[name];
    text(name, next[name] ?? '');
  }
  text('method', methodOf(next, heatRead));
  text('label', _('hidden'));
  root.querySelector('[data-do="reveal"]').hidden = false;
  at('remark').hidden = !next.remark;
  text('remark', next.remark ?? '');
  showHeat();
  at('tells').hidden = !next.tells;
  text('tells', next.tells);
  showFlag();
  at('before').hidden = !next.before;
  text('before', next.before ? next.before.sentence : '');
}

const methodOf = (next, heatRead) => (!next.heat ? next.method ?? _('not computed') : heatRead ? next.method : _('cannot be shown'));

// Up to nine classes stand in their own order, so that a key is always the same class. More stand by probability, the
// predicted one first and always in sight; keys are for the nine at the top.
function listClasses(typed = '') {
  const order = inOrder(shown.classes, shown.probabilities, shown.predicted);
  shown.order = order.filter((number) => shown.classes[number] === shown.predicted || fits(shown.classes[number], typed));
  at('classes').replaceChildren(...shown.order.map((number, place) => classRow(shown, number, place)));
}

function classRow(next, number, place) {
  const name = next.classes[number];
  const item = document.createElement('li'), may = Boolean(at('comment'));
  const row = document.createElement(may ? 'button' : 'div');
  row.className = 'rv-class' + (name === next.predicted ? ' rv-first' : '');
  if (may) {
    row.type = 'button';
    row.title = name === next.predicted ? fill(_('Agree: {name}'), { name }) : fill(_('Overrule to {name}'), { name });
    row.onclick = () => chooseClass(place);
  }
  const key = document.createElement(place < MOST_KEYS && may ? 'kbd' : 'span');
  key.textContent = place < MOST_KEYS && may ? place + 1 : '';
  const label = document.createElement('b'), share = document.createElement('span');
  label.append(isolated(name));
  share.className = 'rv-share';
  share.textContent = inPercent(next.probabilities[number]);
  const track = document.createElement('span'), bar = document.createElement('i');
  track.className = 'rv-track';
  bar.style.width = percent(next.probabilities[number]);
  track.append(bar);
  if (next.threshold !== null && name === next.positive) {
    const mark = document.createElement('u');
    mark.style.insetInlineStart = percent(next.threshold);
    mark.title = _('Operating point');
    track.append(mark);
  }
  row.append(key, label, share, track);
  item.append(row);
  return item;
}

async function revealLabel() {
  if (!shown) return;
  const answer = await ask('reveal_label', { shown: shown.id });
  if (!answer || answer.shown !== shown?.id) return;
  text('label', answer.label ?? _('none given'));
  root.querySelector('[data-do="reveal"]').hidden = true;
  at('label').scrollIntoView({ block: 'nearest' });
}

// -------------------------------------------------------------------------------------------- going and deciding

// What the address names; a window of one page has none.
const named = (name) => window.overread?.here(name) ?? '';
const movedOn = () => (named('run') ? named('run') !== at('run').value : named('data') && named('data') !== data);
const elsewhere = () => movedOn() || (named('case') && named('case') !== shown?.id);   // a figure of the report opens a case

// While a case is on its way a person may go elsewhere (Back, a figure of the report): their address is not written over,
// and is followed when the case has come.
const whereTo = () => ['data', 'run', 'case'].map(named).join(' ');
// Who opened the program at another page reads nothing yet: the data set of that address stays.
function writeAddress(change) {
  if (whereTo() !== asked || !['', 'review'].includes(named('tab'))) return;
  window.overread?.found(change);
  asked = whereTo();
}
function underWay(on) {
  setBusy(on);
  if (on) asked = whereTo();
  else if (whereTo() !== asked) follow();
}
function follow() {
  if (root.offsetParent && !busy && elsewhere()) openReading({ case: named('case') });
}

async function openReading(wish = {}) {
  const { keepDraft = false, ...choice } = wish;
  const { case: sought, ...wishes } = { ...opening?.wishes, ...choice };   // chosen one after the other, all of it counts
  const mine = opening = { wishes }, linked = sought && sought === named('case') && named('run');
  turn += 1;
  // The address names at once the run that was chosen: whoever asks for something else meanwhile asks of that run.
  if (choice.run) window.overread?.go({ run: choice.run, data: '' });
  underWay(true);
  try {
    const wanted = { run: named('run') || named('data') || kept('run', ''), queue: kept('queue', ''), part: kept('part', ''), reader: kept('reader', ''), search: kept('search', ''), page: pageName, ...wishes, case: sought };
    let answer;
    try {
      answer = await server.open_reading(wanted);
      if (!answer) throw new Error('refused');
    } catch {
      answer = { problem: window.overread.unanswered(_('Overread is not responding. Check that the program is still running, then reload the page.')) };
    }
    if (opening !== mine) return;   // another was chosen meanwhile
    if (!answer.ok) {
      toast(answer.problem);
      if (!shown) notice(answer.problem);
      return;
    }
    reading = answer.reading;
    data = answer.data;
    if (answer.run) writeAddress({ run: answer.run, data });
    if (answer.colours) takeColours(answer.colours);
    offerMethods(answer.methods ?? []);
    saveDraft();
    const left = unsaid() && !keepDraft && answer.reader !== kept('reader', '') ? kept('reader', '') : '';
    if (!keepDraft) [trail, shown] = [[], null];
    for (const name of ['run', 'queue', 'part']) {
      at(name).replaceChildren(...answer.choices[name].map(option));
      at(name).value = answer[name];
      keep(name, answer[name]);
    }
    showReaders(answer.choices.reader, answer.reader);
    keep('reader', answer.reader);
    keep('search', answer.search ?? '');
    if (at('queue').value === 'search') at('find').value = answer.search;
    else if (!keepDraft) at('find').value = '';
    await present(answer, { keepDraft });
    if (opening === mine && linked && linked === answer.run && shown?.id !== sought) window.overread?.notHere('case');
    if (left) toast(fill(_('What {name} has written and not stored is kept for {name}.'), { name: left }));
  } finally {
    if (opening === mine) {
      opening = null;
      underWay(false);
    }
  }
}

async function act(work) {
  if (busy || !reading) return;
  turn += 1;
  underWay(true);
  try {
    await work();
  } finally {
    if (!opening) underWay(false);
  }
}

const goNext = () => act(async () => {
  if (!shown) return;
  const from = shown.id;
  const answer = await ask('show_case', { to: 'next', shown: from });
  if (!answer) return;
  trail.push(from);
  await present(answer);
});

const goPrevious = () => act(async () => {
  const back = trail.at(-1);
  if (!shown && !back) return;
  const answer = await ask('show_case', back ? { to: 'case', case: back } : { to: 'previous', shown: shown.id });
  if (!answer) return;
  trail.pop();
  if (answer.edge) toast(answer.edge);
  else await present(answer);
});

const decide = (verdict, label = null) => act(async () => {
  if (!shown || !at('comment')) return;
  if (tooEarly()) {
    text('stored', _('Not taken: half a second had not passed since the image appeared. Look, then press again.'));
    return;
  }
  if (!seen && (verdict === 'agree' || verdict === 'overrule')) {
    toast(_('This image cannot be shown, so it cannot be read. Continue with the next case.'));
    return;
  }
  const decided = shown;
  const said = { shown: decided.id, predicted: decided.predicted, verdict, label, ...answersGiven(), regions };
  if (given.said !== JSON.stringify(said)) given = { said: JSON.stringify(said), name: randomName() };
  const answer = await ask('decide', {
    ...said, name: given.name, seconds: secondsRead(),
  }, (late) => storedLate(decided, said, late));
  if (!answer) return;
  given = { said: '', name: '' };
  trail.push(decided.id);
  forgetDraft(decided.draftKey);
  text('stored', answer.stored);
  if (answer.trouble) toast(answer.trouble);
  else await present(answer);
});

function offerTyping(classes) {
  const there = at('classes').previousElementSibling, box = there.matches('.rv-typed') ? there : null;
  box?.remove();
  if (classes.length <= MOST_KEYS || !at('comment')) return;
  at('classes').before(typingBox(listClasses, (number) => chooseClass(shown.order.indexOf(number))));
}
function toTyping() {
  const box = root.querySelector('.rv-typed') ?? at('find');
  box.focus();
  box.select();
}

function chooseClass(place) {
  const name = shown?.classes[shown.order[place]];
  if (name === undefined) return;
  if (name === shown.predicted) decide('agree');
  else decide('overrule', name);
}
