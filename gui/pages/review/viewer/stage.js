// The image on its stage: zoom, move, turn, mirror, whether the heatmap is over it. Nothing here asks the server.
const stage = at('stage'), sheet = at('sheet');
const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

let image = at('image');
const view = { sheetWidth: 0, sheetHeight: 0, zoom: 1, x: 0, y: 0, turn: 0, mirror: false, tool: 'move', heat: true };
at('opacity').value = kept('opacity', '50');

// Percent of the film's own pixels, the window, and whatever is not as the film came.
function sayView() {
  const changed = [];
  if (image.naturalWidth) changed.push(fill(_('{share}%'), { share: String(Math.round(100 * filmScale() * (devicePixelRatio || 1))) }));
  if (film) changed.push(fill(_('centre {centre} width {width}'), { centre: figure(cut.centre), width: figure(cut.width) }));
  if (cut.invert) changed.push(_('inverted'));
  if (view.turn) changed.push(fill(_('turned {angle}°'), { angle: 90 * view.turn }));
  if (view.mirror) changed.push(_('mirrored'));
  at('corner-view').textContent = inDigits(changed.join(' · '));
}

// How long a pixel of the file is on the stage.
const filmScale = () => view.zoom * view.sheetWidth / (film ? film.told.width * film.told.shrunk : image.naturalWidth || 1);
const leastZoom = () => Math.min(1, view.zoom / filmScale() / (devicePixelRatio || 1));
const mostZoom = () => Math.max(12, 8 * view.zoom / filmScale());
// As wide and high as the turned film is on the stage, before it is zoomed.
const turnedSize = () => (view.turn % 2 ? [view.sheetHeight, view.sheetWidth] : [view.sheetWidth, view.sheetHeight]);

function place() {
  sheet.style.transform = `matrix(${placing().join(', ')})`;
  sheet.style.setProperty('--rv-thin', 1 / view.zoom);
  drawTags();
  sayView();
  askFrame({ moved: true });
}

function fitImage() {
  const { naturalWidth: width, naturalHeight: height } = image;
  if (!width || !stage.clientWidth) return;
  const [across, down] = view.turn % 2 ? [height, width] : [width, height];
  const scale = Math.min(stage.clientWidth / across, stage.clientHeight / down);
  [view.width, view.height] = [stage.clientWidth, stage.clientHeight];
  [view.sheetWidth, view.sheetHeight] = [width * scale, height * scale];
  sheet.style.width = view.sheetWidth + 'px';
  sheet.style.height = view.sheetHeight + 'px';
  view.zoom = 1;
  view.x = (stage.clientWidth - across * scale) / 2;
  view.y = (stage.clientHeight - down * scale) / 2;
  place();
  drawShapes();
}

// The stage has another size: the same part of the image stays in its middle.
function refitImage() {
  const zoom = view.zoom, scale = zoom * view.sheetWidth, middle = [(view.width / 2 - view.x) / scale, (view.height / 2 - view.y) / scale];
  fitImage();
  if (zoom === 1 || !middle.every(Number.isFinite)) return;
  view.zoom = zoom;
  view.x = stage.clientWidth / 2 - middle[0] * view.sheetWidth * zoom;
  view.y = stage.clientHeight / 2 - middle[1] * view.sheetWidth * zoom;
  moveBy(0, 0);
}

function zoomBy(factor, clientX, clientY) {
  const box = stage.getBoundingClientRect();
  const x = (clientX ?? box.left + box.width / 2) - box.left, y = (clientY ?? box.top + box.height / 2) - box.top;
  const zoom = clamp(view.zoom * factor, leastZoom(), mostZoom());
  view.x = x - (x - view.x) * zoom / view.zoom;
  view.y = y - (y - view.y) * zoom / view.zoom;
  view.zoom = zoom;
  moveBy(0, 0);
}

// One pixel of the file on one of the screen.
const toFullSize = () => zoomBy(1 / filmScale() / (devicePixelRatio || 1));

function moveBy(dx, dy) {
  // some of the image always stays on the stage
  const [width, height] = turnedSize().map((side) => side * view.zoom), left = 60;
  view.x = clamp(view.x + dx, left - width, stage.clientWidth - left);
  view.y = clamp(view.y + dy, left - height, stage.clientHeight - left);
  place();
}

// Only the view: what is drawn and stored stays in the film's own places.
function turnView(quarters) {
  view.turn = (view.turn + quarters + 4) % 4;
  fitImage();
  showTurned();
}

function mirrorView() {
  [view.mirror, view.turn] = [!view.mirror, (4 - view.turn) % 4];
  fitImage();
  showTurned();
}

function showTurned() {
  root.querySelector('[data-do="mirror"]').setAttribute('aria-pressed', view.mirror);
  root.querySelector('[data-do="turn"]').setAttribute('aria-pressed', view.turn > 0);
}

// What the run's passport says of its usual map, and why that is off until the reader switches it on for this run.
const ofUsualMap = (name) => (shown && usualMap() ? shown[name] : '');
const heatChoice = () => (ofUsualMap('map_off') ? 'heat despite it ' + at('run').value : 'heat');

function showHeat() {
  view.heat = kept(heatChoice(), ofUsualMap('map_off') ? 'off' : 'on') === 'on';
  at('passport').hidden = at('passport-name').hidden = !ofUsualMap('passport');
  text('passport', ofUsualMap('passport'));
  at('map-off').hidden = !ofUsualMap('map_off');
  text('map-off', ofUsualMap('map_off') ? _('The heatmap is off until you switch it on (H).') + ' ' + ofUsualMap('map_off') : '');
  heat.style.opacity = at('opacity').value / 100;
  heat.style.visibility = view.heat && levels ? 'visible' : 'hidden';
  root.querySelector('[data-do="heat"]').setAttribute('aria-pressed', view.heat);
}

function toggleHeat() {
  keep(heatChoice(), view.heat ? 'off' : 'on');
  showHeat();
}

function opacityBy(step) {
  at('opacity').value = Number(at('opacity').value) + step;
  at('opacity').dispatchEvent(new Event('input'));
}

function useTool(tool) {
  view.tool = tool;
  stage.dataset.tool = tool;
  for (const name of ['move', 'window', 'region', 'ruler']) {
    root.querySelector(`[data-do="tool-${name}"]`)?.setAttribute('aria-pressed', name === tool);
  }
}

// Back to the original: what one image needed is wrong for the next.
function resetView() {
  [view.turn, view.mirror] = [0, false];
  showTurned();
  takeWindow();
  fitImage();
}

// Put decoded images on the sheet in place of the old ones: all change in the same frame. The film in the depth of its
// file lies over its picture as soon as it is there.
function putOnStage(newImage, newHeat, depth) {
  newImage.className = 'rv-image';
  newImage.draggable = false;
  newImage.dataset.at = 'image';
  image.replaceWith(newImage);
  image = newImage;
  takeLevels(newHeat);
  [view.turn, view.mirror] = [0, false];
  showTurned();
  fitImage();
  showFilm(depth);
  showHeat();
}

at('opacity').oninput = () => {
  keep('opacity', at('opacity').value);
  if (!view.heat) toggleHeat();
  showHeat();
};
new ResizeObserver(() => {
  // as much height as the window has left below Gradio's tabs
  root.style.setProperty('--rv-above', Math.max(0, Math.round(root.getBoundingClientRect().top + scrollY)) + 8 + 'px');
  refitImage();
}).observe(stage);
useTool('move');
