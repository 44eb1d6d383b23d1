// How the images would be read, and what the person says of it: every choice is asked of the server and drawn anew.
const say = (more) => {
  const said = structuredClone(answers);
  for (const [what, value] of Object.entries(more)) {
    if (value === null || value === undefined) continue;
    said[what] = typeof value === 'object' ? { ...said[what], ...value } : value;
  }
  const named = state.batch ? { batch: state.batch, leftOut: state.leftOut } : { typed: state.typed };
  return look({ ...named, answers: said }, state.batch ? 'sent' : 'path');
};

function choice(options, chosen, label, act) {
  const select = make('select');
  select.setAttribute('aria-label', label);
  for (const [value, text] of options) {
    const option = make('option', '', text);
    option.value = value;
    option.selected = value === chosen;
    select.append(option);
  }
  select.onchange = () => act(select.value);
  return select;
}

function line(text, control, hint) {
  const row = make('div', 'br-line'), said = make('span', '', text);
  said.dir = 'auto';
  row.append(said, control ?? make('span'));
  if (hint) row.append(make('span', 'br-hint', hint));
  return row;
}

const namesOf = (level) => level.names.map((name) => words('name with count', { name: name.name, number: amount(name.images) })).join(' · ')
  + (level.more ? ` · ${words('and more', { number: amount(level.more) })}` : '');

// A table whose images are not found, or whose columns are not, is drawn as well: that is where it is mended.
const ofTable = () => ({
  facts: [], questions: [], levels: [], offers: [], table: '', alone: true, columns: state.columns, classes: [], leftOut: [],
});

function drawProposal() {
  const { stage } = state, mends = stage === 'refused' && state.columns?.length > 0;
  at('proposal').hidden = stage !== 'proposed' && !mends;
  at('read').hidden = mends;
  if (at('proposal').hidden) return;
  const proposal = mends ? ofTable() : state.proposal;
  at('name').textContent = state.name;
  at('facts').textContent = proposal.facts.join(' · ');
  at('questions').replaceChildren(...proposal.questions.map(drawQuestion));
  at('how').replaceChildren(...drawFolders(proposal), ...drawTable(proposal));
  at('classes').replaceChildren(...drawClasses(proposal));
  at('left-out').replaceChildren(...drawLeftOut(proposal.leftOut));
}

function drawQuestion(question) {
  const item = make('li', 'br-question'), buttons = make('div');
  if (question.serious) item.dataset.serious = '';
  item.append(make('span', '', question.text));
  for (const one of question.choices) {
    const button = make('button', 'br-button', one.words);
    button.type = 'button';
    button.onclick = () => say(one.answers);
    buttons.append(button);
  }
  item.append(buttons);
  return item;
}

function drawFolders(proposal) {
  if (!proposal.levels.length) return [];
  const rows = proposal.levels.flatMap((level) => [
    line(namesOf(level), choice(level.roles, level.role, words('level, what', { level: level.title }), (role) => say({ levels: { [level.number]: role } })),
      level.why && words('level, why', { level: level.title, role: level.roles.find(([role]) => role === level.role)[1], why: level.why })),
    ...(level.role === 'part' ? level.names.map((name) => line(words('name, images', { name: name.name, images: count(name.images) }),
      choice([...proposal.parts, ['', words('no part')]], name.part ?? '', words('part, which', { name: name.name }),
        (part) => say({ parts: { [name.name]: part || null } })))) : []),
  ]);
  return [make('h3', '', words('folders are')), ...rows];
}

function drawTable(proposal) {
  const parts = [];
  if (proposal.offers.length) {
    parts.push(line(words('taken from'), choice([['', words('folders')], ...proposal.offers], proposal.table, words('table to read'), (table) => say({ table }))));
  }
  if (proposal.alone) parts.push(drawRoot());
  for (const { field, title, headers, chosen } of proposal.columns) {
    const unsaid = field in answers.columns || !proposal.alone || state.stage === 'proposed' ? words('none') : words('column unsaid');
    parts.push(line(title, choice([['', unsaid], ...headers.map((name) => [name, name])], chosen, words('column of', { what: title }),
      (column) => say({ columns: { [field]: column } }))));
  }
  return parts.length ? [make('h3', '', words('table says')), ...parts] : [];
}

function drawRoot() {
  const row = make('form', 'br-line br-root'), label = make('label', '', words('folder of images'));
  const field = make('input'), button = make('button', 'br-button', words('folder, choose'));
  field.type = 'text';
  field.id = label.htmlFor = 'br-root';
  field.dir = 'auto';
  field.value = answers.root ?? '';
  field.placeholder = state.batch ? words('folder, say') : words('folder, its own');
  button.type = 'button';
  button.onclick = () => chooseFolder((root) => say({ root }), true);
  row.onsubmit = (event) => { event.preventDefault(); say({ root: field.value }); };
  field.onchange = () => say({ root: field.value });
  row.append(label, field, button);
  return row;
}

function drawClasses(proposal) {
  if (!proposal.classes.length) return [];
  const names = proposal.classes.map(({ name }) => name);
  const rows = proposal.classes.map(({ name, images }) => line(words('name, images', { name, images: count(images) }),
    names.length < 2 ? null : choice([['', words('class of its own')], ['\0', words('no label')], ...names.filter((other) => other !== name).map((other) => [other, words('same as', { name: other })])], '',
      words('class, what', { name }), (other) => say({ same: { [name]: other === '\0' ? '' : other } }))));
  const merged = Object.entries(answers.same).filter(([from, to]) => from !== to).map(([from, to]) => {
    const undo = make('button', 'br-link', words('undo'));
    undo.type = 'button';
    undo.onclick = () => say({ same: { [from]: from } });
    return line(words('read as', { name: from, other: to || words('no label') }), undo);
  });
  const more = proposal.moreClasses ? [make('p', 'br-hint', words('and more', { number: amount(proposal.moreClasses) }))] : [];
  return [make('h3', '', words('classes')), ...rows, ...more, ...merged];
}

function drawLeftOut(issues) {
  if (!issues.length) return [];
  const box = make('div', 'br-left');
  box.append(make('h3', '', words('left out')));
  for (const issue of issues) {
    if (!issue.names.length) { box.append(make('p', 'br-hint', issue.text)); continue; }
    const details = make('details'), list = make('ul');
    list.tabIndex = 0;   // a long list is scrolled by keys as well
    details.append(make('summary', 'br-hint', issue.text), list);
    list.append(...issue.names.map((name) => make('li', '', name)));
    if (issue.more) list.append(make('li', '', words('and more', { number: amount(issue.more) })));
    box.append(details);
  }
  return [box];
}

follow();
