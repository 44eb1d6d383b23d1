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
  for (const [value, words] of options) {
    const option = make('option', '', words);
    option.value = value;
    option.selected = value === chosen;
    select.append(option);
  }
  select.onchange = () => act(select.value);
  return select;
}

function line(text, control, hint) {
  const row = make('div', 'br-line'), words = make('span', '', text);
  words.dir = 'auto';
  row.append(words, control ?? make('span'));
  if (hint) row.append(make('span', 'br-hint', hint));
  return row;
}

const count = (number) => `${number.toLocaleString('en')} ${number === 1 ? 'image' : 'images'}`;
const namesOf = (level) => level.names.map((name) => `${name.name} (${name.images.toLocaleString('en')})`).join(' · ')
  + (level.more ? ` · and ${level.more.toLocaleString('en')} more` : '');

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
    line(namesOf(level), choice(proposal.roles, level.role, `What level ${level.number} is`, (role) => say({ levels: { [level.number]: role } })),
      level.why && `Level ${level.number} is ${proposal.roles.find(([role]) => role === level.role)[1]}: ${level.why}`),
    ...(level.role === 'part' ? level.names.map((name) => line(`${name.name}, ${count(name.images)}`,
      choice([...proposal.parts, ['', 'no part']], name.part ?? '', `Which part ${name.name} is`,
        (part) => say({ parts: { [name.name]: part || null } })))) : []),
  ]);
  return [make('h4', '', 'What the folders are'), ...rows];
}

function drawTable(proposal) {
  const parts = [];
  if (proposal.offers.length) {
    parts.push(line('Labels and patients from', choice([['', 'the folders'], ...proposal.offers], proposal.table, 'Table to read', (table) => say({ table }))));
  }
  if (proposal.alone) parts.push(drawRoot());
  for (const { field, words, headers, chosen } of proposal.columns) {
    const unsaid = field in answers.columns || !proposal.alone || state.stage === 'proposed' ? 'none' : 'found by its name';
    parts.push(line(words, choice([['', unsaid], ...headers.map((name) => [name, name])], chosen, `Column of: ${words}`,
      (column) => say({ columns: { [field]: column } }))));
  }
  return parts.length ? [make('h4', '', 'What the table says'), ...parts] : [];
}

function drawRoot() {
  const row = make('form', 'br-line br-root'), label = make('label', '', 'Folder of the images that it names');
  const field = make('input'), button = make('button', 'br-button', 'Choose folder…');
  field.type = 'text';
  field.id = label.htmlFor = 'br-root';
  field.dir = 'auto';
  field.value = answers.root ?? '';
  field.placeholder = state.batch ? 'The table was uploaded on its own: say where its images are' : 'the table\'s own folder';
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
  const rows = proposal.classes.map(({ name, images }) => line(`${name}, ${count(images)}`,
    names.length < 2 ? null : choice([['', 'a class of its own'], ...names.filter((other) => other !== name).map((other) => [other, `same as ${other}`])], '',
      `What ${name} is`, (other) => say({ same: { [name]: other } }))));
  const merged = Object.entries(answers.same).filter(([from, to]) => from !== to).map(([from, to]) => {
    const undo = make('button', 'br-link', 'undo');
    undo.type = 'button';
    undo.onclick = () => say({ same: { [from]: from } });
    return line(`${from} is read as ${to}`, undo);
  });
  const more = proposal.moreClasses ? [make('p', 'br-hint', `and ${proposal.moreClasses.toLocaleString('en')} more`)] : [];
  return [make('h4', '', 'Classes'), ...rows, ...more, ...merged];
}

function drawLeftOut(issues) {
  if (!issues.length) return [];
  const box = make('div', 'br-left');
  box.append(make('h4', '', 'Left out'));
  for (const issue of issues) {
    if (!issue.names.length) { box.append(make('p', 'br-hint', issue.text)); continue; }
    const details = make('details'), list = make('ul');
    details.append(make('summary', 'br-hint', issue.text), list);
    list.append(...issue.names.map((name) => make('li', '', name)));
    if (issue.more) list.append(make('li', '', `and ${issue.more.toLocaleString('en')} more`));
    box.append(details);
  }
  return [box];
}

follow();
