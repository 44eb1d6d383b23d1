// Any picture of the page, large: a click or Enter opens it, the arrows go to its neighbours, Escape closes.
const at = (name) => element.querySelector(`[data-at=${name}]`);
const dialog = at('dialog');
let opened = null, asked = 0;

const neighbours = () => [...opened.closest('.block, [id]').querySelectorAll('[data-about]')];

function draw(about) {
  at('name').textContent = about.name ?? '';
  at('image').alt = about.name ?? '';
  at('problem').textContent = about.problem ?? '';
  at('problem').hidden = !about.problem;
  if (about.image) at('image').src = about.image; else at('image').removeAttribute('src');
  at('facts').replaceChildren(...(about.facts ?? []).flatMap(([what, value]) => {
    const term = document.createElement('dt'), text = document.createElement('dd');
    term.textContent = what;
    text.textContent = value;
    text.dir = 'auto';
    return [term, text];
  }));
}

async function show(figure) {
  opened = figure;
  const all = neighbours(), number = all.indexOf(figure), mine = ++asked;
  at('place').textContent = all.length > 1 ? `${numeral(number + 1)} / ${numeral(all.length)}` : '';
  element.querySelector('[data-do=previous]').disabled = number === 0;
  element.querySelector('[data-do=next]').disabled = number === all.length - 1;
  draw({ name: figure.querySelector('figcaption').textContent });
  if (!dialog.open) dialog.showModal();
  let about;
  try {
    const answer = await fetch(figure.dataset.about);
    if (!window.overread.isOurs(answer)) throw new Error('refused');
    about = answer.ok ? await answer.json() : { name: at('name').textContent, problem: await answer.text() };
  } catch {
    about = { name: at('name').textContent, problem: window.overread.unanswered(_('Overread is not responding. Check that the program is still running.')) };
  }
  if (mine === asked) draw(about);   // the person may have gone on to another picture meanwhile
}

function step(by) {
  const all = neighbours(), next = all[all.indexOf(opened) + by];
  if (next) show(next);
}

at('image').onerror = async () => {
  const source = at('image').getAttribute('src');
  if (!source) return;
  const problem = await window.overread.whyNot(source);
  if (problem && at('image').getAttribute('src') === source) {
    at('problem').textContent = problem;
    at('problem').hidden = false;
  }
};
dialog.onclose = () => opened?.focus();
dialog.onclick = (event) => {
  const does = event.target.closest('[data-do]')?.dataset.do;
  if (does === 'close' || event.target === dialog) dialog.close();   // a click beside it
  if (does === 'previous') step(-1);
  if (does === 'next') step(1);
};
dialog.onkeydown = (event) => {
  const by = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
  if (!by || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  step(by);
};

// The pictures are drawn anew with every data set, so it is the document that listens.
document.addEventListener('click', (event) => {
  const figure = element.isConnected && event.target.closest?.('[data-about]');
  if (figure) show(figure);
});
document.addEventListener('keydown', (event) => {
  const figure = element.isConnected && event.target.matches?.('[data-about]') && event.target;
  if (!figure || (event.key !== 'Enter' && event.key !== ' ')) return;
  event.preventDefault();
  show(figure);
});
document.addEventListener('error', (event) => {
  if (!element.isConnected || !event.target.matches?.('[data-about] img')) return;
  const box = document.createElement('div');
  box.className = 'or-missing';
  box.textContent = _('cannot be shown');
  event.target.replaceWith(box);
}, true);
