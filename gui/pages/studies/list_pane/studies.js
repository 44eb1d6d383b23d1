// The list of studies and one of them in full. The server's words are put in place as text.
const root = element.querySelector('.sd');
const at = (name) => root.querySelector(`[data-at="${name}"]`);
const kept = (name, fallback) => sessionStorage.getItem('overread.' + name) ?? fallback;
const keep = (name, value) => sessionStorage.setItem('overread.' + name, value);
let choices = null, open = null;
let wanted = 0;   // what was asked for last is shown, whatever answers come late

function make(tag, { words = '', className = '', ...more } = {}, ...inner) {
  const node = document.createElement(tag);
  node.className = className;
  node.textContent = words;
  Object.assign(node, more);
  node.append(...inner);
  return node;
}

// A name is nobody's sentence: it is said as it stands, in whatever language the page speaks.
const isName = ({ value, title, name }) => title === value || title === name;
function choice(one, value = one.value) {
  const made = new Option(one.title, value);
  made.translate = !isName(one);
  return made;
}

function face(name) {
  for (const node of root.querySelectorAll('[data-only]')) node.hidden = !node.dataset.only.split(' ').includes(name);
  root.dataset.face = name;
}

function trouble(sentence) {
  at('trouble').hidden = !sentence;
  at('trouble').textContent = sentence;
}

async function ask(name, question = {}) {
  let answer;
  try {
    answer = await server[name]({ reader: kept('reader', ''), ...question });
  } catch {
    answer = null;
  }
  if (answer?.ok) {
    trouble('');
    return answer;
  }
  trouble(answer?.problem ?? window.overread.unanswered(_('Overread is not responding. Check that the program is still running.')));
  return null;
}

// Done is what was asked, but whoever has left for something else meanwhile is not brought back by the answer.
async function askHere(name, question) {
  const mine = wanted, answer = await ask(name, question);
  return mine === wanted ? answer : null;
}

const button = (words, run, main = false) => make('button', { type: 'button', words, className: main ? 'sd-main' : '', onclick: run });
const readNow = (study) => window.dispatchEvent(new CustomEvent('overread-study-open', { detail: { study, reader: kept('reader', '') } }));

async function showList() {
  const mine = ++wanted;
  const answer = await ask('list_studies');
  if (!answer || mine !== wanted) return;
  open = null;
  face('list');
  at('title').textContent = _('Reader studies');
  at('title').translate = true;
  at('reader').replaceChildren(...answer.readers.map((one) => choice(one, one.name)));
  at('reader').value = answer.reader;
  keep('reader', answer.reader);
  root.querySelector('[data-do="new"]').hidden = !answer.makes;
  at('none').hidden = answer.studies.length > 0;
  at('list').replaceChildren(...answer.studies.map(card));
  at('rereading').replaceChildren(...(answer.rereads.length ? [rereading(answer.rereads, answer.readers)] : []));
}

function title(study) {
  return make('h3', {}, make('bdi', { words: study.name }), make('span', { className: 'sd-state', words: study.state }));
}

function card(study) {
  const does = make('div', { className: 'sd-do' });
  if (study.read) does.append(button(study.read, () => readNow(study.id), true));
  does.append(button(_('Open'), () => openStudy(study)));
  return make('article', { className: 'sd-card' }, title(study), make('p', { words: study.words }), make('p', { className: 'sd-quiet', words: study.place }), does);
}

// A study takes its time under load. Its place is there at once, so that nothing that asks for the list meanwhile, such as
// coming to the page again, is asked last and throws its answer away.
async function openStudy({ id, name }) {
  face('study');
  at('title').textContent = name;
  at('title').translate = false;
  const waits = make('div', { className: 'or-skeleton', role: 'status', ariaLabel: _('Loading') }, make('i'), make('i'), make('i'));
  at('study').replaceChildren(waits);
  await showStudy(id);
  if (waits.isConnected && root.dataset.face === 'study') {   // what is wrong stands above the list
    face('list');
    at('title').textContent = _('Reader studies');
    at('title').translate = true;
  }
}

async function showStudy(id, said = '') {
  const mine = ++wanted;
  const answer = await ask('show_study', { study: id });
  if (!answer || mine !== wanted) return;
  open = id;
  face('study');
  at('title').textContent = answer.name;
  at('title').translate = false;
  const body = make('div', { className: 'sd-study' });
  if (said) body.append(make('p', { className: 'sd-said', words: said, role: 'status' }));
  const does = make('div', { className: 'sd-do' }, make('span', { className: 'sd-state', words: answer.state }));
  if (answer.read) does.append(button(answer.read, () => readNow(id), true));
  for (const [name, words] of answer.steps) does.append(button(words, () => step(name, id, words)));
  if (answer.export) does.append(make('a', { href: answer.export, words: _('Export the readings (zip)'), download: '' }));
  for (const [words, href] of answer.reports) does.append(make('a', { href, words, download: '' }));
  body.append(does);
  for (const part of answer.sections) {
    const section = make('section', {}, make('h3', { words: part.title }));
    if (part.table) section.append(table(part.table, part.names));
    if (part.lines?.length) section.append(make('ul', {}, ...part.lines.map((words) => make('li', { words }))));
    if (part.remark) section.append(make('p', { className: 'sd-quiet', words: part.remark }));
    body.append(section);
  }
  if (answer.changes) body.append(changes(id, answer.changes));
  if (answer.reports.length) body.append(reportOf(id));
  at('study').replaceChildren(body);
}

// The report stands in a frame of its own, without scripts; its checklists beside it, to be written to.
function reportOf(id) {
  const section = make('section', { className: 'sd-report' });
  section.append(button(_('Show the report'), async () => {
    const answer = await ask('show_report', { study: id });
    if (!answer) return;
    const frame = make('iframe', { title: _('Report of the study'), srcdoc: answer.page, sandbox: '' });
    const lists = make('div', { className: 'rp' });
    lists.innerHTML = answer.checklists;   // made by the server's templates, which escape every name
    section.replaceChildren(make('h3', { words: _('Report') }), frame, make('h3', { words: _('Checklists') }), lists);
  }));
  section.addEventListener('click', async ({ target }) => {
    const box = target.closest('[data-do="write"]')?.closest('.or-write');
    if (!box) return;
    const answer = await ask('write_study_item', { study: id, ...box.dataset, text: box.querySelector('textarea').value });
    box.querySelector('[data-said]').textContent = answer?.said ?? '';
  });
  return section;
}

function table([head, ...rows], names = []) {
  const row = (cells, tag) => make('tr', {}, ...cells.map((words, place) => {
    const name = tag === 'td' && names.includes(place);
    return name ? make(tag, { translate: false }, make('bdi', { words })) : make(tag, { words });
  }));
  return make('table', {}, make('thead', {}, row(head, 'th')), make('tbody', {}, ...rows.map((cells) => row(cells, 'td'))));
}

// What cannot be taken back is asked twice, on the button itself; the second click of a double click is no answer.
async function step(name, id, words) {
  const pressed = [...at('study').querySelectorAll('button')].find((one) => one.textContent === words);
  if (pressed) {
    pressed.textContent = fill(_('{what}: sure?'), { what: words });
    const unsure = setTimeout(() => { if (pressed.isConnected) showStudy(id); }, 8000);
    pressed.onclick = async ({ detail }) => {
      if (detail > 1) return;
      clearTimeout(unsure);
      pressed.disabled = true;
      const answer = await askHere(name, { study: id });
      if (answer) await showStudy(id, answer.said);
      else [pressed.textContent, pressed.disabled, pressed.onclick] = [words, false, () => step(name, id, words)];
    };
  }
}

root.querySelector('[data-do="back"]').onclick = showList;
root.querySelector('[data-do="new"]').onclick = () => openForm();
at('reader').onchange = () => { keep('reader', at('reader').value); showList(); };
window.overreadDesk?.abort();
window.overreadDesk = new AbortController();
const heard = { signal: window.overreadDesk.signal };
window.addEventListener('overread-study-left', () => (open ? showStudy(open) : showList()), heard);
window.addEventListener('overread-study-new', () => takeWish(), heard);
