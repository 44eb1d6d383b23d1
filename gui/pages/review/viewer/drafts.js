// A draft stays through another queue and another reader: it is the reader's own, and comes back when they are back at the case.
const draftKey = (id) => `draft.${at('run').value}.${kept('reader', '')}.${id}`;

function unsaid() {
  if (!shown || !at('comment')) return false;
  const stored = shown.before;
  return Object.entries(answersGiven()).some(([name, value]) => value !== String(stored?.answers[name] ?? '')) || regionsUnsaid(stored?.regions);
}

function saveDraft() {
  if (!shown?.draftKey || !at('comment')) return;
  if (unsaid()) keep(shown.draftKey, JSON.stringify({ answers: answersGiven(), regions }));
  else forgetDraft(shown.draftKey);
}

// An answer was stored while its reader had gone on to another run, queue or reader: it is said to be, and is no draft any more.
function storedLate(decided, said, { stored }) {
  const again = shown?.draftKey === decided.draftKey ? shown : decided;   // come back to meanwhile
  again.before = { sentence: '', ...again.before, answers: said, regions: said.regions };
  forgetDraft(decided.draftKey);
  given = { said: '', name: '' };
  text('stored', fill(_('{stored}, given before you went elsewhere'), { stored }));
}

root.addEventListener('regions-drawn', saveDraft);
for (const control of controls) control.addEventListener('input', saveDraft);
addEventListener('pagehide', saveDraft);
