// The image on its stage: zoom, move, brightness and contrast, whether the heatmap is over it. Nothing here asks the server.
const stage = at('stage'), sheet = at('sheet');
const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

let image = at('image');
const view = { fit: 1, zoom: 1, x: 0, y: 0, tool: 'move', invert: false, heat: true };
at('opacity').value = kept('opacity', '50');

function place() {
  sheet.style.transform = `translate(${view.x}px, ${view.y}px) scale(${view.zoom})`;
  sheet.style.setProperty('--rv-thin', 1 / view.zoom);
  const brightness = Math.round(at('brightness').value), contrast = Math.round(at('contrast').value);
  const changed = [];
  if (image.naturalWidth) changed.push(`${Math.round(100 * view.fit * view.zoom)}%`);
  if (brightness) changed.push(`brightness ${brightness > 0 ? '+' : ''}${brightness}`);
  if (contrast) changed.push(`contrast ${contrast > 0 ? '+' : ''}${contrast}`);
  if (view.invert) changed.push('inverted');
  at('corner-view').textContent = changed.join(' · ');
}

function fitImage() {
  const width = image.naturalWidth, height = image.naturalHeight;
  if (!width || !stage.clientWidth) return;
  const scale = Math.min(stage.clientWidth / width, stage.clientHeight / height);
  [view.fit, view.width, view.height] = [scale, stage.clientWidth, stage.clientHeight];
  sheet.style.width = width * scale + 'px';
  sheet.style.height = height * scale + 'px';
  view.zoom = 1;
  view.x = (stage.clientWidth - width * scale) / 2;
  view.y = (stage.clientHeight - height * scale) / 2;
  place();
}

// The stage has another size: the same part of the image stays in its middle.
function refitImage() {
  const zoom = view.zoom, middle = [(view.width / 2 - view.x) / (view.fit * zoom), (view.height / 2 - view.y) / (view.fit * zoom)];
  fitImage();
  if (zoom === 1 || !middle.every(Number.isFinite)) return;
  view.zoom = zoom;
  view.x = stage.clientWidth / 2 - middle[0] * view.fit * zoom;
  view.y = stage.clientHeight / 2 - middle[1] * view.fit * zoom;
  moveBy(0, 0);
}

function zoomBy(factor, clientX, clientY) {
  const box = stage.getBoundingClientRect();
  const x = (clientX ?? box.left + box.width / 2) - box.left, y = (clientY ?? box.top + box.height / 2) - box.top;
  const zoom = clamp(view.zoom * factor, 1, 12);
  view.x = x - (x - view.x) * zoom / view.zoom;
  view.y = y - (y - view.y) * zoom / view.zoom;
  view.zoom = zoom;
  moveBy(0, 0);
}

function moveBy(dx, dy) {
  // some of the image always stays on the stage
  const width = sheet.offsetWidth * view.zoom, height = sheet.offsetHeight * view.zoom, left = 60;
  view.x = clamp(view.x + dx, left - width, stage.clientWidth - left);
  view.y = clamp(view.y + dy, left - height, stage.clientHeight - left);
  place();
}

// A grey value v in 0..1 becomes (v - (level - width/2)) / width: window and level, as brightness and contrast.
function expose() {
  const width = 2 ** (-at('contrast').value / 40), level = 0.5 - at('brightness').value / 200;
  const slope = 1 / width, intercept = -(level - width / 2) / width;
  for (const channel of ['r', 'g', 'b']) {
    at('lut-' + channel).setAttribute('slope', view.invert ? -slope : slope);
    at('lut-' + channel).setAttribute('intercept', view.invert ? 1 - intercept : intercept);
  }
  const asItCame = !view.invert && at('contrast').value === '0' && at('brightness').value === '0';
  image.style.filter = asItCame ? '' : 'url(#rv-window)';
  root.querySelector('[data-do="invert"]').setAttribute('aria-pressed', view.invert);
  place();
}

function exposeBy(dx, dy) {
  at('contrast').value = clamp(Number(at('contrast').value) + dx, -100, 100);
  at('brightness').value = clamp(Number(at('brightness').value) - dy, -100, 100);
  expose();
}

// What the run's passport says of its usual map, and why that is off until the reader switches it on for this run.
const ofUsualMap = (name) => (shown && usualMap() ? shown[name] : '');
const heatChoice = () => (ofUsualMap('map_off') ? 'heat despite it ' + at('run').value : 'heat');

function showHeat() {
  view.heat = kept(heatChoice(), ofUsualMap('map_off') ? 'off' : 'on') === 'on';
  at('passport').hidden = at('passport-name').hidden = !ofUsualMap('passport');
  text('passport', ofUsualMap('passport'));
  at('map-off').hidden = !ofUsualMap('map_off');
  text('map-off', `The heatmap is off until you switch it on (H). ${ofUsualMap('map_off')}`);
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

function toggleInvert() { view.invert = !view.invert; expose(); }

function useTool(tool) {
  view.tool = tool;
  stage.dataset.tool = tool;
  for (const name of ['move', 'window', 'region']) {
    root.querySelector(`[data-do="tool-${name}"]`)?.setAttribute('aria-pressed', name === tool);
  }
}

// Back to the original: what one image needed is wrong for the next.
function resetView() {
  at('brightness').value = at('contrast').value = 0;
  view.invert = false;
  expose();
  fitImage();
}

// Put decoded images on the sheet in place of the old ones: both change in the same frame.
function putOnStage(newImage, newHeat) {
  newImage.className = 'rv-image';
  newImage.draggable = false;
  newImage.dataset.at = 'image';
  image.replaceWith(newImage);
  image = newImage;
  takeLevels(newHeat);
  resetView();
  showHeat();
}

at('opacity').oninput = () => {
  keep('opacity', at('opacity').value);
  if (!view.heat) toggleHeat();
  showHeat();
};
at('brightness').oninput = at('contrast').oninput = expose;
stage.onwheel = (event) => {
  event.preventDefault();
  zoomBy(Math.exp(-event.deltaY * 0.0015), event.clientX, event.clientY);
};
stage.oncontextmenu = (event) => event.preventDefault();
stage.ondblclick = () => fitImage();

stage.onpointerdown = (event) => {
  if (event.target.closest('.rv-notice, .rv-region') || !image.naturalWidth) return;
  event.preventDefault();
  document.activeElement?.blur();
  const tool = event.button === 2 ? 'window' : event.button === 1 ? 'move' : view.tool;
  const region = tool === 'region' ? beginRegion(event) : null;
  let { clientX: x, clientY: y } = event;
  stage.setPointerCapture(event.pointerId);
  stage.toggleAttribute('data-dragging', tool === 'move');
  stage.onpointermove = (move) => {
    const dx = move.clientX - x, dy = move.clientY - y;
    if (tool === 'move') moveBy(dx, dy);
    if (tool === 'window') exposeBy(dx * 0.3, dy * 0.3);
    if (region) region.stretch(move);
    ({ clientX: x, clientY: y } = move);
  };
  stage.onpointerup = stage.onpointercancel = () => {
    stage.onpointermove = stage.onpointerup = stage.onpointercancel = null;
    stage.removeAttribute('data-dragging');
    region?.finish();
  };
};
new ResizeObserver(() => {
  // as much height as the window has left below Gradio's tabs
  root.style.setProperty('--rv-above', Math.max(0, Math.round(root.getBoundingClientRect().top + scrollY)) + 8 + 'px');
  refitImage();
}).observe(stage);
useTool('move');
