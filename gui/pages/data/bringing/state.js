// Where bringing in stands is known to the server; this asks for it and shows it, so that a reload loses nothing.
const at = (name) => element.querySelector(`[data-at=${name}]`);
const ASK_EVERY = 400;   // milliseconds, while something goes on
const SHOWN = 'overread-brought';   // of this tab alone: it finds after a reload what it showed, whatever other tabs do
let state = { number: -1, thing: JSON.parse(sessionStorage.getItem(SHOWN)), stage: 'idle' }, answers = {}, timer = 0;

const nothingSaid = () => ({ levels: {}, parts: {}, same: {}, columns: {}, table: null, root: null });

function make(tag, className, text) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
}

function complain(place, text) {
  const box = at(`problem-${place}`);
  box.textContent = text;
  box.hidden = !text;
  if (place === 'path') at('path').setAttribute('aria-invalid', String(Boolean(text)));
}

// A refusal stands beside what caused it, and nothing that was shown before stands under it.
function refuse(place, problem) {
  showBusy('');
  complain('path', '');
  complain('sent', '');
  complain(place, problem);
  root().dataset.stage = 'refused';
  at('proposal').hidden = true;
  at('back').hidden = false;
}

// Call the server; null means that it refused, and why stands at `place`.
async function ask(name, question, place) {
  let answer;
  try {
    answer = await server[name]({ thing: state.thing, ...question });
    if (!answer) throw new Error('refused');   // what Gradio's client makes of it
  } catch {
    answer = { ok: false, problem: window.overread.unanswered(words('not responding')) };
  }
  if (answer.ok) return answer;
  if (place) refuse(place, answer.problem);
  return null;
}

const root = () => at('root');

function show(next) {
  clearTimeout(timer);
  const was = state.stage;
  if (next.stage) state = next; else state.number = next.number;
  const working = ['looking', 'reading'].includes(state.stage);
  if (next.stage) draw(was);
  if (working) timer = setTimeout(follow, ASK_EVERY);
}

function draw(was) {
  const { stage } = state, refused = stage === 'refused';
  root().dataset.stage = stage;
  sessionStorage.setItem(SHOWN, state.thing);
  answers = { ...nothingSaid(), ...state.answers };
  if (state.typed && at('path').value === '') at('path').value = state.typed;
  complain('path', refused && !state.batch ? state.problem : '');
  complain('sent', refused && state.batch ? state.problem : '');
  const working = stage === 'looking' || stage === 'reading';
  showBusy(working ? state.doing : '', state.total ? state.done / state.total : null, state.told);
  drawProposal();
  at('back').hidden = !refused || !at('proposal').hidden;
  if (stage === 'done' && ['reading', 'proposed'].includes(was))   // proposed here, and read in another tab
     trigger('submit', { dataset: state.dataset });
}

function showBusy(doing, share, told) {
  at('busy').hidden = !doing;
  at('doing').textContent = doing ? words('doing', { what: doing }) : '';
  if (share == null) at('bar').removeAttribute('value'); else at('bar').value = share;
  at('told').textContent = told ?? '';
  for (const name of ['look', 'path']) at(name).disabled = Boolean(doing);
  element.querySelectorAll('[data-do=choose], [data-do=files], [data-do=folder]').forEach((button) => { button.disabled = Boolean(doing); });
}

async function follow() {
  if (!element.isConnected) return;
  const next = await ask('where', { seen: state.number });
  if (next) show(next); else timer = setTimeout(follow, 5 * ASK_EVERY);
}

async function look(question, place) {
  complain('path', '');
  complain('sent', '');
  const next = await ask('look', question, place);
  if (next) show(next);
}

at('form').onsubmit = (event) => {
  event.preventDefault();
  look({ typed: at('path').value }, 'path');
};

async function fillFormats() {
  const answer = await ask('formats', {});
  if (!answer || at('formats').childElementCount) return;
  at('formats').append(...answer.kinds.flatMap(([kind, endings]) => [make('dt', '', kind), make('dd', '', endings)]));
}
element.querySelector('.br-formats').ontoggle = fillFormats;

const does = {
  read: async () => { const next = await ask('read', {}, 'path'); if (next) show(next); },
  cancel: async () => {
    if (await stopSending()) return;
    const next = await ask('cancel', {}, 'path');
    if (next) show(next);
  },
};
element.addEventListener('click', (event) => {
  const name = event.target.closest('[data-do]')?.dataset.do;
  if (name) does[name]?.();
});
