// What was written and drawn on a case but not stored stays with this browser's tab: through another queue, another
// reader and a reload. It is the reader's own, and comes back when they are back at the case.
const draftKey = (id) => `draft.${at('run').value}.${kept('reader', '')}.${id}`;
const draftFor = (id) => JSON.parse(kept(draftKey(id), 'null'));
const forgetDraft = (one) => sessionStorage.removeItem('overread.' + one.draftKey);

function unsaid() {
  if (!shown || !at('comment')) return false;
  const stored = shown.before ?? { answers: {}, regions: [] };
  return Object.entries(answersGiven()).some(([name, value]) => value !== String(stored.answers[name] ?? ''))
    || JSON.stringify(regions) !== JSON.stringify(stored.regions.map(wholeRegion));
}

function saveDraft() {
  if (!shown?.draftKey || !at('comment')) return;
  if (unsaid()) keep(shown.draftKey, JSON.stringify({ answers: answersGiven(), regions }));
  else forgetDraft(shown);
}

// An answer was stored while its reader had gone on to another run, queue or reader: it is said to be, and is no draft any more.
function storedLate(decided, said, { stored }) {
  const again = shown?.draftKey === decided.draftKey ? shown : decided;   // come back to meanwhile
  again.before = { sentence: '', ...again.before, answers: said, regions: said.regions };
  forgetDraft(decided);
  given = { said: '', name: '' };
  text('stored', fill(_('{stored}, given before you went elsewhere'), { stored }));
}

root.addEventListener('regions-drawn', saveDraft);
for (const control of controls) control.addEventListener('input', saveDraft);
addEventListener('pagehide', saveDraft);
