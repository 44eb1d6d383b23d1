// The parts of the report, each asked for when it comes near the screen. The server's HTML is made by its templates,
// which escape every name in it; everything else is put in place as text.
const root = element.querySelector('.rp');
const at = (name) => root.querySelector(`[data-at="${name}"]`);
let chosen = null;   // run, part of the data and standards, as the controls above say
let asked = 0, heard = '', goneTo = '';   // the part that was gone to last

function make(tag, { words = '', className = '', ...more } = {}, ...inner) {
  const node = document.createElement(tag);
  node.className = className;
  node.textContent = words;
  Object.assign(node, more);
  node.append(...inner);
  return node;
}

async function ask(name, question = {}) {
  let answer;
  try {
    answer = await server[name]({ ...chosen, ...question });
  } catch {
    answer = null;
  }
  if (answer?.ok) return answer;
  return { problem: answer?.problem ?? window.overread.unanswered(_('Overread is not responding. Check that the program is still running.')) };
}

function trouble(sentence) {
  at('trouble').hidden = !sentence;
  at('trouble').textContent = sentence;
}

// ------------------------------------------------------------------------------------------------------ the parts

const skeleton = () => make('div', { className: 'or-skeleton', role: 'status', ariaLabel: _('Loading') }, make('i'), make('i'), make('i'));
const bodyOf = (name) => root.querySelector(`#report-part-${name} > .rp-body`);

function layOut() {
  at('nav').replaceChildren(...chosen.titles.map(([name, words]) => make('button', { type: 'button', words, onclick: () => goTo(name) })));
  at('parts').replaceChildren(...chosen.titles.map(([name, words]) =>
    make('section', { id: `report-part-${name}`, className: 'rp-part' }, make('h2', { words }), make('div', { className: 'rp-body' }, skeleton()))));
}

const near = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) if (isIntersecting) load(target.id.replace('report-part-', ''));
}, { rootMargin: '300px' });

// Drawn one after another: the part at the top is not held up by those below it.
let line = Promise.resolve();
function load(name) {
  const body = bodyOf(name);
  if (!chosen || !body || body.dataset.for === String(asked)) return;
  body.dataset.for = asked;
  const mine = asked;
  line = line.then(async () => {
    if (mine !== asked) return;
    if (name === 'comparisons') return chooseRuns(body, mine);
    const answer = await ask('report_part', { name });
    if (mine !== asked) return;
    if (answer.problem) body.replaceChildren(make('p', { className: 'rp-trouble', words: answer.problem }));
    else body.innerHTML = answer.html;
    body.dataset.shown = mine;
    reachable(body.parentElement);
  });
}

// What is wider than the page is scrolled by keys as well.
function reachable(part) {
  if (part.scrollWidth > part.clientWidth) part.tabIndex = 0;
  else part.removeAttribute('tabindex');
}
addEventListener('resize', () => { for (const part of root.querySelectorAll('.rp-part')) reachable(part); });

function goTo(name) {
  goneTo = name;
  load(name);
  const behaviour = matchMedia('(prefers-reduced-motion: reduce)').matches ? 'auto' : 'smooth';
  root.querySelector(`#report-part-${name}`).scrollIntoView({ behavior: behaviour });
}

function again() {
  const told = document.querySelector('#report-chosen [data-chosen]')?.dataset.chosen;
  if (!told || told === heard) return;
  [heard, chosen] = [told, JSON.parse(told)];
  asked += 1;
  trouble('');
  root.hidden = !chosen.run;
  if (!chosen.run) return;
  if (!at('nav').children.length) layOut();
  for (const node of at('parts').children) {
    const body = node.querySelector('.rp-body');
    if (!body.dataset.shown) body.replaceChildren(skeleton());
    near.unobserve(node);   // what is on the screen is asked for again
    near.observe(node);
  }
  if (goneTo) load(goneTo);   // gone to while an answer was on its way, and not on the screen by now
  if (toCompare().length) goTo('comparisons');
}

// ------------------------------------------------------------------------------------------- the cases behind a figure

// Where in the units of a figure's axes a click fell; null beside them.
function placeIn(svg, event) {
  const box = svg.getBoundingClientRect();
  const all = svg.dataset.axes.split(';').map((one) => one.split(' ').map(Number));
  const limits = svg.dataset.limits.split(';').map((one) => one.split(' ').map(Number));
  const at = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  const panel = all.findIndex(([left, top, right, bottom]) => at[0] >= left && at[0] <= right && at[1] >= top && at[1] <= bottom);
  if (panel < 0) return null;
  const [left, top, right, bottom] = all[panel], [x0, x1, y0, y1] = limits[panel];
  return { panel, x: x0 + (at[0] - left) / (right - left) * (x1 - x0), y: y1 + (at[1] - top) / (bottom - top) * (y0 - y1) };
}

async function showBehind(question) {
  const mine = asked, answer = await ask('cases_behind', question);
  if (mine !== asked) return;   // another run is shown by now
  if (answer.problem) return trouble(answer.problem);
  at('behind-title').textContent = answer.title;
  at('behind-more').textContent = answer.more;
  at('behind-cases').replaceChildren(...answer.cases.map((one) => make('button', { type: 'button', onclick: () => review(one.id) },
    make('img', { src: one.image, alt: '', loading: 'lazy' }), make('strong', { words: one.title }), make('span', { words: one.words, dir: 'auto' }))));
  at('behind').showModal();
}

function review(id) {
  at('behind').close();
  sessionStorage.setItem('overread.part', 'all');   // whatever part it is of
  window.overread.go({ tab: 'review', run: chosen.run, case: id });
}

// --------------------------------------------------------------------------------------------------- checklists

async function write(box) {
  const { checklist, item } = box.dataset;
  const said = box.querySelector('[data-said]');
  const answer = await ask('write_item', { checklist, item, text: box.querySelector('textarea').value });
  said.textContent = answer.problem ?? answer.said;
  if (answer.problem) return;
  const row = box.closest('tr');
  row.querySelector('.or-open')?.toggleAttribute('hidden', box.querySelector('textarea').value.trim() !== '');
  delete bodyOf('files').dataset.for;
  load('files');
}

// --------------------------------------------------------------------------------------------------- prevalence

async function writePrevalence(form) {
  const typed = form.percent.value;
  const answer = await ask('write_prevalence', { percent: typed });
  if (answer.problem) {
    form.querySelector('[data-said]').textContent = answer.problem;
    return;
  }
  delete bodyOf('performance').dataset.for;
  load('performance');
}

root.addEventListener('submit', (event) => {
  const form = event.target.closest('[data-do="prevalence"]');
  if (!form) return;
  event.preventDefault();
  writePrevalence(form);
});

// -------------------------------------------------------------------------------------------------- comparisons

// The other runs of a comparison that was asked for on the Train page, while its first run is the one that is shown.
function toCompare() {
  const [first, ...others] = JSON.parse(sessionStorage.getItem('overread.compare') ?? '[]');
  return first && first === chosen.run ? others : [];
}

async function chooseRuns(body, mine) {
  const answer = await ask('runs_to_compare');
  if (mine !== asked) return;
  body.dataset.shown = mine;
  if (answer.problem || !answer.runs.length) {
    body.replaceChildren(make('p', { className: 'or-sub', words: answer.problem ?? _('There is no other run with these classes to compare with.') }));
    return;
  }
  const boxes = answer.runs.map(({ id, title }) => make('label', {}, make('input', { type: 'checkbox', value: id }), make('span', { words: title, dir: 'auto' })));
  const out = make('div', { id: 'report-compared', role: 'status' });
  const go = make('button', { type: 'button', className: 'or-button', words: _('Compare with this run'), onclick: async () => {
    const others = boxes.map((label) => label.querySelector('input')).filter((one) => one.checked).map((one) => one.value);
    const waiting = skeleton();
    out.replaceChildren(waiting);
    const told = await ask('compare', { others });
    if (!waiting.isConnected) return;   // others were chosen meanwhile
    if (told.problem) out.replaceChildren(make('p', { className: 'rp-trouble', words: told.problem }));
    else {
      out.innerHTML = told.html;
      out.append(make('button', { type: 'button', className: 'or-button', words: _('Download as a checkable bundle (ZIP)'), onclick: () => takeBundle(others, out) }));
    }
  } });
  const sentence = _('Runs that were tested on the same images are held against this one, case by case.');
  body.replaceChildren(make('p', { className: 'or-sub', words: sentence }), make('div', { className: 'rp-choose' }, ...boxes), go, out);
  const wanted = toCompare();
  if (!wanted.length) return;
  sessionStorage.removeItem('overread.compare');
  for (const label of boxes) label.querySelector('input').checked = wanted.includes(label.querySelector('input').value);
  go.click();
}

async function takeBundle(others, out) {
  const told = await ask('compared_bundle', { others });
  out.querySelector('.rp-trouble')?.remove();
  if (told.problem) return out.append(make('p', { className: 'rp-trouble', words: told.problem }));
  const bytes = Uint8Array.from(atob(told.data), (one) => one.charCodeAt(0));
  const address = URL.createObjectURL(new Blob([bytes], { type: 'application/zip' }));
  make('a', { href: address, download: told.name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60000);
}

root.addEventListener('click', (event) => {
  const picture = event.target.closest('[data-case]');
  if (picture) return review(picture.dataset.case);
  const cell = event.target.closest('[data-x]');
  if (cell) return showBehind({ figure: cell.dataset.figure, standard: cell.dataset.standard, x: Number(cell.dataset.x), y: Number(cell.dataset.y) });
  const save = event.target.closest('[data-do="write"]');
  if (save) return write(save.closest('.or-write'));
  const svg = event.target.closest('svg[data-axes]'), of = svg?.closest('[data-figure]');
  const place = of && placeIn(svg, event);
  if (place) showBehind({ figure: of.dataset.figure, standard: of.dataset.standard, ...place });
});

root.addEventListener('keydown', (event) => {
  if (!['Enter', 'NumpadEnter', 'Space'].includes(event.code) || event.repeat || !event.target.matches('[data-case]')) return;
  event.preventDefault();
  review(event.target.dataset.case);
});

// What holds the choice may come into the page later than this.
function attend() {
  const controls = document.querySelector('#report-chosen');
  if (!controls) {
    setTimeout(attend, 40);
    return;
  }
  new MutationObserver(again).observe(controls, { childList: true, subtree: true, attributes: true });
  again();
}
attend();
