// A second image beside the first: the same with its heatmap, another one of the patient, or one that is like it. It moves and
// zooms with the first and takes its window, or has its own of either. It is looked at: nothing is drawn on it, nothing answered.
const besideStage = at('beside'), besideSheet = at('beside-sheet'), besideCanvas = at('beside-canvas');
const besideBrush = besideCanvas.getContext('2d', { alpha: false, willReadFrequently: true });
const BESIDE = { map: _('the heatmap'), patient: _('the patient’s other images'), similar: _('similar training images') };
const second = {
  what: '', all: [], number: 0, film: null, image: at('beside-image'),
  view: { zoom: 1, u: 0.5, v: 0.5, turn: 0, mirror: false, sheetWidth: 0, sheetHeight: 0 },
  cut: { centre: 0, width: 1, asFile: true, invert: false }, linked: true, shares: true, table: null,
};
let besideAsked = 0;   // which question the screen waits for

// What may stand beside this case: the server says, and of what it does not say nothing is offered.
const mayBeside = () => [...(shown?.heat ? ['map'] : []), ...(shown?.beside ?? [])];

function offerBeside() {
  const may = mayBeside();
  at('beside-what').replaceChildren(new Option(_('nothing'), ''), ...may.map((what) => new Option(BESIDE[what], what)));
  at('beside-button').hidden = !may.length;
  at('beside-what').value = may.includes(second.what) ? second.what : '';
}

// With a new case: nothing of the one before stays, and what was chosen is asked for again where it may be.
function besideCase() {
  offerBeside();
  showBeside(at('beside-what').value);
}

async function showBeside(what) {
  const asked = ++besideAsked, one = shown;
  Object.assign(second, { what, all: [], number: 0, film: null, table: null });
  second.image.removeAttribute('src');
  besideStage.toggleAttribute('data-deep', false);
  root.toggleAttribute('data-beside', Boolean(what));
  at('beside-button').setAttribute('aria-pressed', Boolean(what));
  besideStage.hidden = !what;
  at('beside-what').value = what;
  if (what === 'map') besideSheet.append(heat);
  else sheet.insertBefore(heat, layer);
  for (const name of ['beside-name', 'beside-said', 'beside-words']) text(name, '');
  at('beside-which').closest('label').hidden = true;
  if (!what) return;
  if (what === 'map') {
    sayOfBeside({ all: [{ image: image.src, depth: shown?.depth, title: _('This image with its heatmap') }], said: '' });
    return;
  }
  text('beside-said', _('Looking …'));
  const answer = await ask('beside', { shown: one.id, arm: one.arm, what });
  if (asked !== besideAsked || shown?.id !== one.id) return;
  if (answer) sayOfBeside(answer);
  else showBeside('');
}

function sayOfBeside({ all, said }) {
  second.all = all;
  text('beside-said', all.length ? '' : said);
  text('beside-words', all.length ? said : '');
  at('beside-which').replaceChildren(...all.map(({ title }, number) => new Option(title, number)));
  at('beside-which').closest('label').hidden = second.what === 'map' || !all.length;
  if (all.length) chooseBeside(0);
}

async function chooseBeside(number) {
  const { image: address, depth, title } = second.all[number], asked = besideAsked;
  Object.assign(second, { number, film: null, table: null });
  at('beside-which').value = number;
  text('beside-name', title);
  besideStage.toggleAttribute('data-deep', false);
  second.image.alt = title;
  second.image.src = address;
  await second.image.decode().catch(() => text('beside-said', _('This image cannot be shown.')));
  askFrame();
  if (!depth || asked !== besideAsked || second.number !== number) return;
  const found = depth === shown?.depth && film ? film : await filmAt(depth).ready;
  if (!found || asked !== besideAsked || second.number !== number) return;
  second.film = found;
  Object.assign(second.cut, found.told.window, { asFile: true, invert: false });
  askFrame();
}

function nextBeside() {
  const may = ['', ...mayBeside()];
  showBeside(may[(may.indexOf(second.what) + 1) % may.length]);
}

function nextInBeside(step) {
  if (second.all.length > 1) chooseBeside((second.number + step + second.all.length) % second.all.length);
}

// ----------------------------------------------------------------------------------------------------- drawing

const sharesWindow = () => second.shares && film && second.film?.told.unit === film.told.unit;

// From the sheet beside to its stage: what is in the middle of the first is in the middle here.
function placingBeside() {
  const { clientWidth: across, clientHeight: down } = besideStage, one = second.view, { naturalWidth, naturalHeight } = second.image;
  if (second.linked) {
    const box = stage.getBoundingClientRect();
    const [u, v] = onFilm({ clientX: box.left + stage.clientWidth / 2, clientY: box.top + stage.clientHeight / 2 });
    Object.assign(one, { zoom: view.zoom, u, v, turn: view.turn, mirror: view.mirror });
  }
  const [width, height] = one.turn % 2 ? [naturalHeight, naturalWidth] : [naturalWidth, naturalHeight];
  const scale = Math.min(across / width, down / height);
  [one.sheetWidth, one.sheetHeight] = [naturalWidth * scale, naturalHeight * scale];
  const [a, b, c, d] = turning(one).map((part) => part * one.zoom), x = one.u * one.sheetWidth, y = one.v * one.sheetHeight;
  return [a, b, c, d, across / 2 - a * x - c * y, down / 2 - b * x - d * y];
}

function drawBeside() {
  if (!second.what || !second.image.naturalWidth || !besideStage.clientWidth || !view.sheetWidth) return;
  const matrix = placingBeside(), dense = devicePixelRatio || 1;
  besideSheet.style.width = second.view.sheetWidth + 'px';
  besideSheet.style.height = second.view.sheetHeight + 'px';
  besideSheet.style.transform = `matrix(${matrix.join(', ')})`;
  besideStage.toggleAttribute('data-deep', Boolean(second.film));
  sayOfView();
  if (!second.film) return;
  const [wide, high] = [besideStage.clientWidth, besideStage.clientHeight], ratio = moving && 2 * wide * high * dense * dense > SMOOTH ? dense / 2 : dense;
  [besideCanvas.width, besideCanvas.height] = [Math.max(1, Math.round(wide * ratio)), Math.max(1, Math.round(high * ratio))];
  const part = sample(second.film, matrix.map((each) => each * ratio), besideCanvas.width, besideCanvas.height, second.view);
  const how = sharesWindow() ? cut : second.cut, key = [how.centre, how.width, how.asFile, how.invert].join();
  if (second.table?.key !== key) second.table = { key, colours: tableOf(second.film, how) };
  paintOn(besideBrush, part, second.table.colours);
}

function sayOfView() {
  const how = sharesWindow() ? cut : second.cut, own = [];
  if (second.film && !sharesWindow()) own.push(fill(_('centre {centre} width {width}'), { centre: figure(how.centre, second.film), width: figure(how.width, second.film) }));
  if (!second.linked) own.push(fill(_('zoom {factor}'), { factor: second.view.zoom.toFixed(1) }));
  text('beside-view', inDigits(own.join(' · ')));
  root.querySelector('[data-do="beside-link"]').setAttribute('aria-pressed', second.linked);
  root.querySelector('[data-do="beside-window"]').setAttribute('aria-pressed', second.shares);
}

function linkBeside() { second.linked = !second.linked; askFrame(); }

function shareWindow() {
  second.shares = !second.shares;
  if (!second.shares && film && second.film?.told.unit === film.told.unit) Object.assign(second.cut, cut);
  askFrame();
}

// --------------------------------------------------------------------------------------------------- the hand

function moveBeside(dx, dy) {
  if (second.linked) return moveBy(dx, dy);
  const one = second.view, [a, b, c, d] = turning(one);
  one.u = clamp(one.u - (a * dx + b * dy) / one.zoom / one.sheetWidth, 0, 1);
  one.v = clamp(one.v - (c * dx + d * dy) / one.zoom / one.sheetHeight, 0, 1);
  askFrame();
}

function zoomBeside(factor, { clientX, clientY }) {
  const here = besideStage.getBoundingClientRect(), there = stage.getBoundingClientRect();
  if (second.linked) return zoomBy(factor, clientX - here.left + there.left, clientY - here.top + there.top);
  const zoom = clamp(second.view.zoom * factor, 0.2, 40), share = 1 - second.view.zoom / zoom;
  const [dx, dy] = [clientX - here.left - here.width / 2, clientY - here.top - here.height / 2];
  moveBeside(-dx * share, -dy * share);
  second.view.zoom = zoom;
  askFrame();
}

function windowBeside(dx, dy) {
  if (sharesWindow() || !second.film) return windowBy(dx, dy);
  const { told } = second.film, step = Math.min(valueRange(second.film), 8 * told.window.width || Infinity) / 1000;
  const width = Math.max(Math.abs(told.slope), second.cut.width + dx * step);
  Object.assign(second.cut, { centre: second.cut.centre + dy * step * (told.inverted ? -1 : 1), width, asFile: false });
  askFrame();
}

const fingers = new Map();
besideStage.onpointerdown = (event) => {
  if (event.target.closest('.rv-beside-bar')) return;
  event.preventDefault();
  fingers.set(event.pointerId, event);
  try { besideStage.setPointerCapture(event.pointerId); } catch { /* it went up meanwhile */ }
};
besideStage.onpointermove = (event) => {
  const before = fingers.get(event.pointerId);
  if (!before) return;
  const other = [...fingers.values()].find((one) => one.pointerId !== event.pointerId);
  const [dx, dy] = [event.clientX - before.clientX, event.clientY - before.clientY];
  fingers.set(event.pointerId, event);
  setMoving(true);
  if (other) {
    const span = (one) => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);
    moveBeside(dx / 2, dy / 2);
    if (span(before) > 0) zoomBeside(span(event) / span(before), { clientX: (event.clientX + other.clientX) / 2, clientY: (event.clientY + other.clientY) / 2 });
  } else if (view.tool === 'window' || event.buttons === 2) windowBeside(dx, dy);
  else moveBeside(dx, dy);
};
for (const name of ['pointerup', 'pointercancel', 'lostpointercapture']) {
  besideStage.addEventListener(name, (event) => { if (fingers.delete(event.pointerId)) setMoving(false); });
}
besideStage.onwheel = (event) => {
  event.preventDefault();
  zoomBeside(Math.exp(-event.deltaY * 0.0015), event);
};
besideStage.oncontextmenu = (event) => event.preventDefault();
at('beside-what').onchange = () => { at('beside-what').blur(); showBeside(at('beside-what').value); };
at('beside-which').onchange = () => { at('beside-which').blur(); chooseBeside(Number(at('beside-which').value)); };
