// What is changed of a study that is there, and doubted labels read again. The server says what may not be.
const ticks = (name, list) => list.map((one) =>
  make('label', {}, make('input', { type: 'checkbox', name, value: one.value }), make('span', { words: one.title, dir: 'auto', translate: !isName(one) })));
const field = (words, node) => make('div', { className: 'sd-field' }, make('label', { words }, node));
const line = (name, more = {}) => make('input', { type: 'text', name, autocomplete: 'off', dir: 'auto', ...more });
const group = (words, boxes) => make('div', { className: 'sd-field' }, make('span', { className: 'sd-label', words }), make('span', { className: 'sd-boxes' }, ...boxes));

function panel(words, remark, fields, does, send) {
  const form = make('form', { className: 'sd-change', noValidate: true }, ...fields, make('button', { type: 'submit', className: 'sd-main', words: does }));
  form.onsubmit = async (event) => {
    event.preventDefault();
    const pressed = form.querySelector('button');
    pressed.disabled = true;
    const typed = Object.fromEntries([...form.elements].filter(({ type }) => ['text', 'textarea', 'select-one'].includes(type)).map(({ name, value }) => [name, value]));
    await send({ ...typed, readers: [...form.querySelectorAll('[name=readers]:checked')].map(({ value }) => value) });
    pressed.disabled = false;
  };
  return make('details', {}, make('summary', { words }), make('p', { className: 'sd-quiet', words: remark }), form);
}

function changes(id, { others, fixed }) {
  const reason = fixed ? _('Reason (needed, and printed with the results)') : _('Reason (may be left out: the protocol is not fixed yet)');
  return panel(
    _('Add readers or cases, or record a deviation'),
    _('New readers get every case; new cases come after those that each reader has. Once the protocol is fixed this is a deviation. A reason alone records something that departed from the protocol without changing it.'),
    [
      ...(others.length ? [group(_('Readers'), ticks('readers', others))] : []),
      field(_('Cases: file names or ids, each on a line'), make('textarea', { name: 'cases', rows: 3, dir: 'auto' })),
      field(reason, line('reason')),
    ],
    _('Record it'),
    async (typed) => {
      const answer = await askHere('change_study', { study: id, ...typed });
      if (answer) await showStudy(id, answer.said);
    },
  );
}

function rereading(runs, readers) {
  const chosen = make('select', { name: 'run' }, ...runs.map(({ value, title: words }) => new Option(words, value)));
  return panel(
    _('Have doubted labels of test cases read again'),
    _('The test cases whose label the run doubts most are read blind beside as many others drawn at random, so that the test part is not corrected towards the model. What came of it stands with the study.'),
    [
      field(_('Run'), chosen), group(_('Readers'), ticks('readers', readers)),
      field(_('Doubted cases at most'), line('n', { value: '20', inputMode: 'numeric' })),
      field(_('Seed'), line('seed', { value: '0', inputMode: 'numeric' })),
      field(_('Name (readers see it: it must not say what the cases are; may be left out)'), line('name', { maxLength: 200 })),
    ],
    _('Make this study'),
    async (typed) => {
      const answer = await askHere('reread_labels', typed);
      if (answer) await showStudy(answer.study, answer.said);
    },
  );
}
