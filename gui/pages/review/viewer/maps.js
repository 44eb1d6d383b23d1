// Another method or class for the heatmap. It is made elsewhere while the case can be read on, and drawn when it is
// there; what was asked for a case that has been left, or by a choice that was changed, is dropped. The choice stays
// from case to case.
const chosen = { method: kept('map-method', ''), target: kept('map-class', '') };
const ASK_AGAIN = 150;   // milliseconds
let mapAsked = 0;        // which question the screen waits for
let mapComing = false;

const choosesMaps = () => Boolean(at('map-method'));
// Another run has other classes, and one whose predictions were supplied has no network to ask.
const targetHere = () => (at('map-method').options.length && shown?.classes.includes(chosen.target) ? chosen.target : '');
const usualMap = () => !choosesMaps() || (!chosen.method && !targetHere());

function offerMethods(methods) {
  if (!choosesMaps()) return;
  at('map-method').replaceChildren(...methods.map(option));
  for (const name of ['map-method', 'map-class']) at(name).closest('label').hidden = !methods.length;
  if (!methods.some((one) => one.value === chosen.method)) chosen.method = '';
  at('map-method').value = chosen.method;
}

function offerClasses(next) {
  if (!choosesMaps()) return;
  const two = next.classes.length === 2;
  const usual = { value: '', title: two ? next.positive : fill(_('predicted: {name}'), { name: next.predicted }) };
  const others = next.classes.filter((name) => !two || name !== next.positive);
  at('map-class').replaceChildren(...[usual, ...others.map((name) => ({ value: name, title: name }))].map(option));
  at('map-class').value = [...at('map-class').options].some((one) => one.value === chosen.target) ? chosen.target : '';
}

function sayOfMap(words, { share = null, wrong = false, coming = false } = {}) {
  mapComing = coming;
  at('map-note').hidden = !words;
  at('map-note').toggleAttribute('data-wrong', wrong);
  text('map-words', words);
  at('map-share').hidden = root.querySelector('[data-do="stop-map"]').hidden = !coming;
  if (share === null) at('map-share').removeAttribute('value');
  else at('map-share').value = share;
}

function drawMap(picture, given, words) {
  takeLevels(picture);
  showHeat();
  showLegend(given);
  text('method', words);
}

function sayOfUsualMap(given) {
  if (given?.caution) sayOfMap(given.caution + '.');
  else sayOfMap(shown && !shown.heat ? _('This case has no heatmap: none was computed, and none came with its prediction.') : '');
}

// With a new case on the stage: its usual map is drawn already, unless another was chosen.
function settleMap(given) {
  if (!usualMap()) return showChosenMap();
  mapAsked++;
  sayOfUsualMap(given);
}

async function drawUsualMap(one, asked) {
  const usual = picture(one.heat ?? ''), read = (await usual.ready) && Boolean(one.heat);
  if (asked !== mapAsked || shown?.id !== one.id) return;
  drawMap(read ? usual.image : new Image(), read ? one.legend : null, methodOf(one, read));
  sayOfUsualMap(read ? one.legend : null);
  delete root.dataset.map;
}

async function showChosenMap() {
  const asked = ++mapAsked, one = shown;
  if (!one) return;
  if (usualMap()) {
    await drawUsualMap(one, asked);
    return;
  }
  const question = { reading, shown: one.id, method: chosen.method, target: targetHere() };
  const words = fill(_('Computing {method} for {name} …'), { method: chosen.method || _('the heatmap'), name: targetHere() || at('map-class').selectedOptions[0]?.text });
  drawMap(new Image(), null, _('being computed'));
  sayOfMap(words, { coming: true });
  for (;;) {
    let answer = null;
    try { answer = await server.explain(question); } catch { /* said below */ }
    if (asked !== mapAsked || shown?.id !== one.id) return;
    if (!answer?.ok) {
      text('method', _('cannot be shown'));
      sayOfMap(answer ? answer.problem : window.overread.unanswered(_('Overread is not responding. Check that the program is still running.')), { wrong: true });
      if (answer?.kind === 'StaleCaseError') await openReading({ case: one.id, keepDraft: true });
      return;
    }
    if (answer.levels) {
      await drawChosenMap(answer, asked);
      return;
    }
    sayOfMap(words, { coming: true, share: answer.begun && answer.share > 0 ? answer.share : null });
    await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN));
  }
}

async function drawChosenMap(answer, asked) {
  const map = new Image();
  map.src = answer.levels;
  await map.decode();
  if (asked !== mapAsked || shown?.id !== answer.shown) return;
  drawMap(map, answer.legend, answer.method);
  const scale = answer.legend.ticks.some(([, number]) => /\d/.test(number)) ? '' : `, ${answer.legend.unit}`;
  const caution = answer.legend.caution ? ` ${answer.legend.caution}.` : '';
  sayOfMap(`${answer.method}${scale}.${caution}`);
  root.dataset.map = `${answer.shown} ${answer.method}`;
  // The next case's, while this one is read; nobody waits for it, and its answer comes when that case is shown.
  const next = comingCases[0];
  if (next) server.explain({ reading, shown: next.id, method: chosen.method, target: targetHere(), ahead: true }).catch(() => {});
}

function chooseMap() {
  chosen.method = at('map-method').value;
  chosen.target = at('map-class').value;
  keep('map-method', chosen.method);
  keep('map-class', chosen.target);
  showChosenMap();
}

function stopMap() {
  if (!mapComing) return;
  server.stop_explaining({ reading }).catch(() => {});
  at('map-method').value = at('map-class').value = '';
  chooseMap();
}

function openChoice(name) {
  at(name)?.focus();
  try { at(name)?.showPicker(); } catch { /* the arrow keys choose in it all the same */ }
}

for (const name of ['map-method', 'map-class']) {
  at(name)?.addEventListener('change', () => { at(name).blur(); chooseMap(); });
}
