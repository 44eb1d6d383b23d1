// Second thoughts: the last answer is taken back, a case is flagged, another one is found; what was done is summed up.
let undone = '';   // the name of an undo that may be asked for again after the line broke

async function undo() {
  if (at('summary').open) await goOn();
  await act(async () => {
    undone ||= randomName();
    const answer = await ask('undo', { name: undone });
    if (!answer) return;
    undone = '';
    text('stored', answer.taken_back);
    await present(answer);
  });
}

const flag = () => act(async () => {
  if (!shown) return;
  const answer = await ask('flag_case', { shown: shown.id, flagged: !shown.flag, comment: at('comment').value });
  if (!answer || answer.shown !== shown?.id) return;
  shown.flag = answer.flag;
  showFlag();
});

function showFlag() {
  at('flagged').hidden = !shown.flag;
  text('flagged', !shown.flag ? '' : shown.flag.comment ? fill(_('You flagged this case: {comment}'), shown.flag) : _('You flagged this case'));
  root.querySelector('[data-do="flag"]')?.setAttribute('aria-pressed', Boolean(shown.flag));
}

// A number is a case of the queue; words that fit one case go to it, and words that fit several become a queue.
const find = (typed) => act(async () => {
  const from = shown?.id;
  const answer = await ask('go_to', { typed });
  if (!answer) return;
  at('find').blur();
  if (answer.search) {
    await openReading({ queue: 'search', search: answer.search });
    return;
  }
  at('find').value = '';
  if (from) trail.push(from);
  await present(answer);
});

const goToCase = (id) => act(async () => {
  const from = shown?.id;
  const answer = await ask('show_case', { to: 'case', case: id });
  if (!answer) return;
  if (from) trail.push(from);
  await present(answer);
});

at('find').addEventListener('keydown', (event) => {
  if (event.code === 'Enter' || event.code === 'NumpadEnter') find(at('find').value);
});

// ------------------------------------------------------------------------------------------------- the summary

const inWords = (summary) => (summary ? summary.lines.join('\n') + (summary.fast ? `\n${summary.fast}` : '') : '');

const finish = () => act(async () => {
  const answer = await ask('summarise', {});
  if (!answer) return;
  text('summary-title', fill(_('Session of {reader}'), answer));
  text('summary-lines', inWords(answer.summary) || _('Nothing was answered since this page was opened.'));
  at('summary-cases').replaceChildren(...(answer.summary?.cases ?? []).map(({ id, title }) => {
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'rv-link';
    button.textContent = title;
    button.onclick = async () => { await goOn(); goToCase(id); };
    return button;
  }));
  at('summary').showModal();
});

// The summary ends the sitting; reading on begins another.
function goOn() {
  at('summary').close();
  return openReading({ case: shown?.id, keepDraft: true });
}
at('summary')?.addEventListener('cancel', (event) => { event.preventDefault(); goOn(); });

async function exportReadings() {
  const answer = await ask('export_readings', {});
  if (!answer) return;
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([Uint8Array.from(atob(answer.content), (one) => one.charCodeAt(0))], { type: 'application/zip' }));
  link.download = answer.file;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  text('summary-said', answer.said);
}
