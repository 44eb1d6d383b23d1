// Who reads: one of the list. The person at this computer is in it by the account's name until they give their own.
const ADD = '\u0000add', CHANGE = '\u0000change';   // no name holds a zero
let people = [], adding = false, saving = false;

function showReaders(readers, name) {
  if (!at('reader')) return;
  people = readers;
  const choices = readers.map(option), more = document.createElement('optgroup');
  more.label = '\u2014';
  more.append(new Option(_('Add a reader…'), ADD), new Option(_('Change this reader…'), CHANGE));
  const own = readers.some((one) => one.signed_in);
  at('reader').replaceChildren(...choices, ...(own ? [] : [more]));
  at('reader').disabled = own;
  at('reader').value = name;
  at('who-ask').hidden = own || (readers.find((one) => one.value === name)?.introduced ?? true);
}

const field = (name) => root.querySelector(`[data-who="${name}"]`);

function openWho(another) {
  adding = another;
  const now = people.find((one) => one.value === kept('reader', ''));
  text('who-title', another ? _('Add a reader') : _('Who is reading?'));
  field('name').value = another ? '' : now?.value ?? '';
  field('profession').value = another ? '' : now?.profession ?? '';
  field('years').value = another ? '' : now?.years ?? '';
  text('who-said', '');
  at('who-like').replaceChildren();
  if (!at('who').open) at('who').showModal();
  field('name').select();
}

async function saveWho(further = {}) {
  if (saving) return;   // Enter, pressed twice
  const told = { name: field('name').value, profession: field('profession').value, years: field('years').value };
  let answer;
  saving = true;
  try {
    answer = await server.save_reader({ ...told, reader: kept('reader', ''), new: adding, ...further });
  } catch {
    answer = null;
  } finally {
    saving = false;
  }
  if (!answer?.ok) {
    text('who-said', answer?.problem ?? window.overread.unanswered(_('Overread is not responding. Check that the program is still running.')));
    return;
  }
  if (answer.like) {
    askWhetherSame(answer.like, told.name);
    return;
  }
  at('who').close();
  await openReading({ reader: answer.reader, case: shown?.id, keepDraft: answer.reader === kept('reader', '') || !adding });
}

function askWhetherSame(names, name) {
  text('who-said', fill(_('Is “{name}” the same person as {others}?'), { name: name.trim(), others: names.map((one) => `“${one}”`).join(_(' or ')) }));
  const buttons = names.map((one) => [fill(_('Yes, {name}'), { name: one }), { same: one }]);
  at('who-like').replaceChildren(...[...buttons, [_('No, another person'), { another: true }]].map(([title, further]) => {
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'rv-button';
    button.textContent = title;
    button.onclick = () => saveWho(further);
    return button;
  }));
  at('who-like').querySelector('button').focus();
}

at('reader')?.addEventListener('change', () => {
  const wanted = at('reader').value;
  at('reader').blur();
  if (wanted !== ADD && wanted !== CHANGE) {
    openReading({ reader: wanted });
    return;
  }
  at('reader').value = kept('reader', '');
  openWho(wanted === ADD);
});
at('who')?.querySelector('form').addEventListener('submit', (event) => {
  event.preventDefault();
  saveWho();
});
addEventListener('pagehide', () => { server.leave({ reading }).catch(() => {}); });
