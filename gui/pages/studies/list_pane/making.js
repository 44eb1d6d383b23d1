// The form of a new study. The server says what each field lacks and what the study will be, while it is filled in.
const form = at('form');
const fieldsOf = (name) => [...form.querySelectorAll(`[name="${name}"]`)];
let asked = 0, waiting = null;

const options = (name, list) => {
  const box = form.elements[name], before = box.value;
  box.replaceChildren(...list.map((one) => choice(one)));
  if (list.some(({ value }) => value === before)) box.value = before;
};
const boxes = (place, name, list, all = false) => at(place).replaceChildren(...list.map((one) =>
  make('label', {}, make('input', { type: 'checkbox', name, value: one.value, checked: all }), make('span', { words: one.title, dir: 'auto', translate: !isName(one) }))));

// The Data page asks for images to be labelled; this page may not have been opened before.
function takeWish() {
  const dataset = kept('new-study', '');
  sessionStorage.removeItem('overread.new-study');
  if (dataset) openForm({ dataset });
  return Boolean(dataset);
}

async function openForm(wish = {}) {
  root.dataset.face = 'form';
  const mine = ++wanted;
  const offered = await ask('offer_choices');
  if (!offered || mine !== wanted) return;
  choices = offered;
  face('form');
  at('title').textContent = _('Make a study');
  at('title').translate = true;
  for (const box of form.querySelectorAll('input[inputmode]')) box.defaultValue = inDigits(box.defaultValue);
  form.reset();
  for (const name of ['source', 'design', 'rule', 'certainty', 'consensus', 'indeterminate', 'primary', 'aim']) options(name, choices[name]);
  boxes('readers', 'readers', choices.readers);
  options('adjudicator', [{ value: '', title: _('none') }, ...choices.readers]);
  if (wish.dataset) [form.elements.source.value, form.elements.design.value] = [`data:${wish.dataset}`, 'annotation'];
  touched.clear();
  sourceChanged();
  form.elements.name.focus();
}

function sourceChanged() {
  const source = choices.source.find(({ value }) => value === form.elements.source.value);
  const fits = choices.design.filter(({ needs_run, needs_none }) => (source?.run ? !needs_none : !needs_run));
  options('design', fits);
  if (!source?.run && !source?.classes?.length) form.elements.design.value = 'annotation';
  boxes('parts', 'parts', source?.parts ?? []);
  boxes('labels', 'labels', (source?.classes ?? []).map((name) => ({ value: name, title: name })));
  if (source?.parts?.some(({ value }) => value === 'test')) for (const box of fieldsOf('parts')) box.checked = box.value === 'test';
  form.elements.findings.value = source?.run ? '' : (source?.classes ?? []).join('\n');
  classesChanged(source?.positive);
}

function classesChanged(wished) {
  const source = choices.source.find(({ value }) => value === form.elements.source.value);
  const typed = form.elements.findings.value.split(/[\n,;،؛]/).map((one) => one.trim()).filter(Boolean);
  const names = source?.run ? source.classes : typed;
  options('positive', [...(source?.run ? [] : [{ value: '', title: _('none') }]), ...names.map((name) => ({ value: name, title: name }))]);
  if (wished) form.elements.positive.value = wished;
  plan();
}

function said() {
  const told = {};
  for (const { name, type, value, checked } of form.elements) {
    if (!name) continue;
    if (type !== 'checkbox') told[name] = value;
    else {
      told[name] ??= [];
      if (checked) told[name].push(value);
    }
  }
  return told;
}

function showFields() {
  const told = said(), source = choices.source.find(({ value }) => value === told.source);
  const when = {
    data: !source?.run, parts: source?.parts?.length, labels: source?.classes?.length && told.rule !== 'all',
    drawn: ['random stratified', 'enriched'].includes(told.rule), enriched: told.rule === 'enriched',
    assisted: !['blind', 'annotation'].includes(told.design), 'wash-out': told.design === 'wash-out',
  };
  for (const node of form.querySelectorAll('[data-when]')) node.toggleAttribute('data-hidden', !when[node.dataset.when]);
  at('design-words').textContent = choices.design.find(({ value }) => value === told.design)?.says ?? '';
}

// A field that nobody has been to yet is not scolded, but the button says what is missing.
const touched = new Set();
function showErrors(errors, all = false) {
  for (const node of form.querySelectorAll('[data-error]')) node.remove();
  for (const [name, sentence] of Object.entries(errors)) {
    const place = form.querySelector(`.sd-field[data-field="${name}"]`) ?? form.querySelector('.sd-field[data-field="form"]');
    if (!all && place.dataset.field !== 'form' && !touched.has(name)) continue;
    const line = make('p', { words: sentence });
    line.dataset.error = name;
    place.append(line);
  }
}

async function planNow() {
  const mine = ++asked;
  const answer = await ask('plan_study', { form: said() });
  if (!answer || mine !== asked) return null;
  showErrors(answer.errors);
  const left = Object.entries(answer.errors).filter(([name]) => !form.querySelector(`[data-error="${name}"]`)).map(([, sentence]) => sentence);
  const lines = answer.summary.length ? answer.summary : left.length ? [_('Still to be filled in:'), ...left] : [_('What the study will be stands here once the form can be read.')];
  at('summary').replaceChildren(...lines.map((words) => make('p', { words, dir: 'auto' })));
  return answer;
}

function plan() {
  showFields();
  clearTimeout(waiting);
  waiting = setTimeout(planNow, 250);
}

form.addEventListener('input', (event) => {
  touched.add(event.target.name);
  if (event.target.name === 'source') sourceChanged();
  else if (event.target.name === 'findings') classesChanged();
  else plan();
});
form.addEventListener('focusout', (event) => { if (event.target.name && event.target.value !== undefined) { touched.add(event.target.name); plan(); } });
form.addEventListener('submit', async (event) => {
  event.preventDefault();
  clearTimeout(waiting);
  at('make').disabled = true;
  const answer = await askHere('make_study', { form: said() });
  at('make').disabled = false;
  if (!answer) return;
  if (answer.errors) {
    showErrors(answer.errors, true);
    form.querySelector('[data-error]')?.scrollIntoView({ block: 'center' });
    return;
  }
  await showStudy(answer.study, answer.said);
});
root.querySelector('[data-do="add-reader"]').onclick = async ({ currentTarget: pressed }) => {
  pressed.disabled = true;
  const answer = await ask('add_reader', { name: at('new-reader').value });
  pressed.disabled = false;
  if (!answer) return;
  const ticked = fieldsOf('readers').filter((box) => box.checked).map((box) => box.value), settler = form.elements.adjudicator.value;
  choices.readers = answer.readers;
  boxes('readers', 'readers', choices.readers);
  for (const box of fieldsOf('readers')) box.checked = [...ticked, answer.added].includes(box.value);
  options('adjudicator', [{ value: '', title: _('none') }, ...choices.readers]);
  form.elements.adjudicator.value = settler;
  at('new-reader').value = '';
  plan();
};
// Enter in the name of a new reader is for that reader, not for the form around it.
at('new-reader').onkeydown = (event) => {
  if (event.key !== 'Enter' || event.isComposing) return;
  event.preventDefault();
  root.querySelector('[data-do="add-reader"]').click();
};
// The page is come to: what others have read meanwhile is there.
new IntersectionObserver(([entry]) => {
  if (entry.isIntersecting && !takeWish() && (root.dataset.face ?? 'list') === 'list') showList();
}).observe(root);
