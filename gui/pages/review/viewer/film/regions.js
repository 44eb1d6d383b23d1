// What is drawn on the image, in fractions of its width and height: boxes, ellipses, polygons (a freehand line is one, thinned),
// each with a finding; and rulers, which are not stored. Drawn, moved, reshaped and erased by mouse, fingers and keys.
const SHAPES = { box: _('box'), ellipse: _('ellipse'), polygon: _('polygon'), freehand: _('freehand') };
const SVG = 'http://www.w3.org/2000/svg', layer = at('regions');
const CLOSE = 12;        // screen pixels: so near to its first point a polygon is closed
const HANDLES = { tl: [0, 0], tr: [1, 0], br: [1, 1], bl: [0, 1] };
let regions = [], rulers = [];
let chosenShape = null;  // the region or ruler that is worked on
let drafted = null;      // a polygon whose points are still being set
at('shape')?.addEventListener('change', () => { keep('shape', at('shape').value); at('shape').blur(); useTool('region'); });
if (at('shape')) at('shape').value = kept('shape', 'box');

const node = (name, attributes, ...inside) => {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...inside);
  return made;
};
const inside = (share) => clamp(share, 0, 1);
const onImage = (pointer) => onFilm(pointer).map(inside);
const screenLength = ([x1, y1], [x2, y2]) => Math.hypot((x2 - x1) * view.sheetWidth, (y2 - y1) * view.sheetHeight) * view.zoom;

// The points that a shape's handles move: corners, or its own points.
const cornersOf = (one) => (one.points.length ? one.points : Object.values(HANDLES).map(([x, y]) => [one.x + x * one.width, one.y + y * one.height]));

// Where a shape with points lies: the box around them.
function boxed(one) {
  if (!one.points.length) return one;
  const across = one.points.map(([x]) => x), down = one.points.map(([, y]) => y);
  [one.x, one.y] = [Math.min(...across), Math.min(...down)];
  return Object.assign(one, { width: Math.max(...across) - one.x, height: Math.max(...down) - one.y });
}

const newShape = (shape, [x, y], points = []) => ({ x, y, width: 0, height: 0, label: '', shape, points });

// As the server tells it, or as an older draft kept it.
const wholeRegion = (told) => ({ x: told.x, y: told.y, width: told.width, height: told.height, label: told.label ?? '', shape: told.shape ?? 'box', points: structuredClone(told.points ?? []) });

// Of a new case: what was drawn before, and nothing that was measured or begun on the last one.
function takeRegions(told = []) {
  [regions, rulers, chosenShape, drafted] = [told.map(wholeRegion), [], null, null];
}

// ----------------------------------------------------------------------------------------------------- drawing

// The outline of a shape in pixels of the sheet before it is zoomed, so that circles stay round.
function outline(one, kind) {
  const [w, h] = [view.sheetWidth, view.sheetHeight];
  if (one.shape === 'ellipse') return node('ellipse', { class: kind, cx: (one.x + one.width / 2) * w, cy: (one.y + one.height / 2) * h, rx: one.width / 2 * w, ry: one.height / 2 * h });
  if (one.points.length) {
    const open = one === drafted || one.shape === 'ruler';
    return node(open ? 'polyline' : 'polygon', { class: kind, points: one.points.map(([x, y]) => `${x * w},${y * h}`).join(' ') });
  }
  return node('rect', { class: kind, x: one.x * w, y: one.y * h, width: one.width * w, height: one.height * h });
}

function figureOf(one, number) {
  const name = one.shape === 'ruler' ? fill(_('Ruler, {length}'), { length: lengthOf(one) }) : `${SHAPES[one.shape]} ${numeral(number + 1)}${one.label ? `, ${one.label}` : ''}`;
  const group = node('g', { class: one.shape === 'ruler' ? 'rv-shape rv-ruler' : 'rv-shape rv-region', tabindex: 0, role: 'button', 'aria-label': fill(_('{name}: arrow keys move, Shift and arrow keys resize, Delete removes'), { name }) },
    outline(one, 'rv-grip'), outline(one, 'rv-shade'), outline(one, 'rv-line'));
  group.toggleAttribute('data-chosen', one === chosenShape);
  group.onfocus = () => choose(one);
  group.onkeydown = (event) => changeShape(event, one);
  group.onpointerdown = (event) => beginMove(event, one);
  if (one === chosenShape) {
    group.append(...cornersOf(one).map(([x, y], corner) => {
      const place = { cx: x * view.sheetWidth, cy: y * view.sheetHeight };
      const handle = node('g', { class: 'rv-handle' }, node('circle', { class: 'rv-reach', ...place }), node('circle', { class: 'rv-knob', ...place }));
      handle.onpointerdown = (event) => beginReshape(event, one, corner);
      return handle;
    }));
  }
  return group;
}

function drawShapes() {
  const hadFocus = layer.contains(document.activeElement);
  layer.setAttribute('viewBox', `0 0 ${view.sheetWidth || 1} ${view.sheetHeight || 1}`);
  const all = [...regions, ...rulers];
  layer.replaceChildren(...all.map(figureOf), ...(drafted ? [outline(drafted, 'rv-shade'), outline(drafted, 'rv-line')] : []));
  if (hadFocus && chosenShape) layer.children[all.indexOf(chosenShape)]?.focus({ preventScroll: true });
  drawTags();
}

// Words beside shapes stay upright however the film is turned: they stand on the stage, not on the film.
function drawTags() {
  const [a, b, c, d, e, f] = placing();
  at('tags').replaceChildren(...[...regions, ...rulers].filter((one) => one.label || one.shape === 'ruler').map((one) => {
    const tag = document.createElement('bdi'), [x, y] = one.shape === 'ruler' ? one.points[1] : [one.x + one.width, one.y + one.height];
    const px = x * view.sheetWidth, py = y * view.sheetHeight;
    tag.textContent = one.shape === 'ruler' ? lengthOf(one) : one.label;
    tag.style.transform = `translate(${a * px + c * py + e + 6}px, ${b * px + d * py + f + 4}px)`;
    return tag;
  }));
}

// Millimetres where the file says how far its pixels lie apart, else pixels.
function lengthOf({ points: [[x1, y1], [x2, y2]] }) {
  const width = film ? film.told.width : image.naturalWidth, height = film ? film.told.height : image.naturalHeight;
  const pixels = Math.hypot((x2 - x1) * width, (y2 - y1) * height);
  if (!film?.told.spacing) return inDigits(`${(pixels * (film?.told.shrunk ?? 1)).toFixed(0)} px`);
  const at = film.told.spacing_at && ` ${_(film.told.spacing_at)}`;
  return inDigits(`${(pixels * film.told.spacing).toFixed(1)} mm${at}`);
}

function showRegions() {
  drawShapes();
  const count = at('region-count');
  if (!count) return;
  const number = regions.indexOf(chosenShape);
  count.textContent = number >= 0 ? fill(_('Region {number} of {all}'), { number: number + 1, all: regions.length })
    : regions.length ? fill(ngettext('{count} region drawn', '{count} regions drawn', regions.length), { count: regions.length }) : _('No regions drawn (R)');
  at('finding').hidden = number < 0;
  if (number >= 0 && document.activeElement !== at('finding')) at('finding').value = chosenShape.label;
  const remove = root.querySelector('[data-do="remove-region"]');
  remove.hidden = regions.length === 0;
  remove.textContent = number >= 0 ? _('remove') : _('remove last');
  root.dispatchEvent(new Event('regions-drawn'));
}

function choose(one) {
  if (chosenShape === one) return;
  chosenShape = one;
  if (one && at('findings-known')) at('findings-known').replaceChildren(...new Set([...(shown?.classes ?? []), ...regions.map(({ label }) => label)].filter(Boolean)).values().map((name) => new Option(name, name)));
  showRegions();
}

// ---------------------------------------------------------------------------------------------------- by keys

function changeShape(event, one) {
  const step = event.altKey ? 0.002 : 0.01;
  const [dx, dy] = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] }[event.code] ?? [0, 0];
  if (event.code === 'Delete' || event.code === 'Backspace') {
    removeShape(one);
  } else if (event.code === 'Escape') {
    choose(null);
    document.activeElement?.blur();
  } else if (dx || dy) {
    const [x, y] = turnedBack(dx, dy);
    if (event.shiftKey) stretchShape(one, x, y);
    else moveShape(one, x, y);
    showRegions();
  } else {
    return;
  }
  event.preventDefault();
  event.stopPropagation();
}

// An arrow points where the screen says, however the film is turned.
function turnedBack(dx, dy) {
  const [a, b, c, d] = turning();
  return [a * dx + b * dy, c * dx + d * dy];
}

function moveShape(one, dx, dy) {
  [dx, dy] = [clamp(dx, -one.x, 1 - one.x - one.width), clamp(dy, -one.y, 1 - one.y - one.height)];
  one.points = one.points.map(([x, y]) => [x + dx, y + dy]);
  [one.x, one.y] = [one.x + dx, one.y + dy];
  boxed(one);
}

function stretchShape(one, dx, dy) {
  const width = clamp(one.width + dx, 0.01, 1 - one.x), height = clamp(one.height + dy, 0.01, 1 - one.y);
  if (one.shape === 'ruler') one.points[1] = [inside(one.points[1][0] + dx), inside(one.points[1][1] + dy)];
  else one.points = one.points.map(([x, y]) => [one.x + (x - one.x) * width / one.width, one.y + (y - one.y) * height / one.height]);
  [one.width, one.height] = [width, height];
  boxed(one);
}

function removeShape(one) {
  regions = regions.filter((other) => other !== one);
  rulers = rulers.filter((other) => other !== one);
  if (chosenShape === one) chosenShape = null;
  showRegions();
}

function removeRegion() { removeShape(regions.includes(chosenShape) ? chosenShape : regions.at(-1)); }

function addShape(one) {
  (one.shape === 'ruler' ? rulers : regions).push(one);
  chosenShape = one;
  showRegions();
}

// With the keyboard alone a shape begins in the middle, and arrows bring it to its place.
function placeRegion() {
  const shape = at('shape').value;
  const points = ['polygon', 'freehand'].includes(shape) ? [[0.5, 0.4], [0.6, 0.5], [0.5, 0.6], [0.4, 0.5]] : [];
  addShape({ x: 0.4, y: 0.4, width: 0.2, height: 0.2, label: '', shape: points.length ? 'polygon' : shape, points });
  layer.children[regions.length - 1].focus();
}

function placeRuler() {
  addShape(boxed(newShape('ruler', [0.4, 0.5], [[0.4, 0.5], [0.6, 0.5]])));
  layer.lastElementChild.focus();
}

function nextShape() {
  if (view.tool === 'region') {
    const options = [...at('shape').options];
    at('shape').value = options[(at('shape').selectedIndex + 1) % options.length].value;
    keep('shape', at('shape').value);
  }
  useTool('region');
}

function giveUp() {
  drafted = null;
  drawShapes();
}

function takePointBack() {
  drafted?.points.pop();
  if (drafted?.points.length) drawShapes();
  else giveUp();
}

// While a polygon is being drawn, Enter closes it and Escape gives it up; they mean nothing else then.
function drawingKey(event) {
  if (!drafted) return false;
  if (['Enter', 'NumpadEnter'].includes(event.code)) closePolygon();
  else if (event.code === 'Escape') giveUp();
  else if (event.code === 'Backspace') takePointBack();
  else return false;
  event.preventDefault();
  return true;
}

// --------------------------------------------------------------------------------------- by mouse and fingers

function beginShape(event, tool) {
  const start = onImage(event), kind = tool === 'ruler' ? 'ruler' : at('shape').value;
  if (kind === 'polygon') return beginPoint(start);
  if (kind === 'freehand') return beginFreehand(start);
  const one = newShape(kind, start, kind === 'ruler' ? [start, start] : []), home = kind === 'ruler' ? rulers : regions;
  home.push(one);
  return {
    move(pointer) {
      const [x, y] = onImage(pointer);
      if (kind === 'ruler') one.points = [start, [x, y]];
      Object.assign(one, { x: Math.min(x, start[0]), y: Math.min(y, start[1]), width: Math.abs(x - start[0]), height: Math.abs(y - start[1]) });
      drawShapes();
    },
    finish() {
      const across = one.width * view.sheetWidth * view.zoom, down = one.height * view.sheetHeight * view.zoom;
      // a click is not a region
      if (kind === 'ruler' ? Math.hypot(across, down) < 4 : across < 4 || down < 4) removeShape(one);
      else choose(one);
    },
    cancel() { removeShape(one); },
  };
}

function beginPoint(start) {
  if (drafted && screenLength(start, drafted.points[0]) < CLOSE && drafted.points.length > 2) {
    closePolygon();
    return null;
  }
  if (!drafted) drafted = newShape('polygon', start);
  else if (screenLength(start, drafted.points.at(-1)) < 4) return null;   // the second half of a double click
  drafted.points.push(start);
  drawShapes();
  return {
    move(pointer) {
      if (drafted) drafted.points[drafted.points.length - 1] = onImage(pointer);
      drawShapes();
    },
    cancel: takePointBack,
  };
}

function closePolygon() {
  const one = drafted;
  drafted = null;
  if (one?.points.length > 2) addShape(boxed(one));
  else drawShapes();
}

function beginFreehand(start) {
  const one = newShape('polygon', start, [start]);
  drafted = one;
  return {
    move(pointer) { one.points.push(onImage(pointer)); drawShapes(); },
    finish() {
      if (drafted !== one) return;
      drafted = null;
      one.points = thinned(one.points);
      boxed(one);
      if (one.points.length > 2 && one.width * view.sheetWidth * view.zoom >= 4 && one.height * view.sheetHeight * view.zoom >= 4) addShape(one);
      else drawShapes();
    },
    cancel: giveUp,
  };
}

// Douglas and Peucker: points that lie within a screen pixel and a half of the line without them are left out.
function thinned(points) {
  if (points.length < 3) return points;
  const [first, last] = [points[0], points.at(-1)], base = screenLength(first, last);
  let furthest = 0, most = 0;
  points.forEach((point, number) => {
    const twice = Math.abs((last[0] - first[0]) * (point[1] - first[1]) - (last[1] - first[1]) * (point[0] - first[0]));
    const away = base > 0 ? twice * view.sheetWidth * view.sheetHeight * view.zoom ** 2 / base : screenLength(point, first);
    if (away > most) [most, furthest] = [away, number];
  });
  if (most < 1.5) return [first, last];
  return [...thinned(points.slice(0, furthest + 1)), ...thinned(points.slice(furthest)).slice(1)];
}

// A shape that is there follows the pointer; so does one of its corners. Other buttons go on to the stage.
function dragShape(event, one, act) {
  if (event.button !== 0 || drafted) return;
  event.stopPropagation();
  event.preventDefault();
  stage.setPointerCapture(event.pointerId);   // what was touched is drawn anew meanwhile
  choose(one);
  const before = structuredClone(one);
  let last = onImage(event);
  const index = [...regions, ...rulers].indexOf(one);
  layer.children[index]?.focus({ preventScroll: true });
  const move = (pointer) => {
    const now = onImage(pointer);
    act(now, [now[0] - last[0], now[1] - last[1]]);
    last = now;
    drawShapes();
  };
  const end = (how) => {
    removeEventListener('pointermove', move);
    if (how.type === 'pointercancel') Object.assign(one, before);
    showRegions();
  };
  addEventListener('pointermove', move);
  addEventListener('pointerup', end, { once: true });
  addEventListener('pointercancel', end, { once: true });
}

const beginMove = (event, one) => dragShape(event, one, (now, [dx, dy]) => moveShape(one, dx, dy));

function beginReshape(event, one, corner) {
  const opposite = cornersOf(one)[(corner + 2) % 4];
  dragShape(event, one, (now) => {
    if (one.points.length) {
      one.points[corner] = now;
      boxed(one);
      return;
    }
    Object.assign(one, { x: Math.min(now[0], opposite[0]), y: Math.min(now[1], opposite[1]), width: Math.max(0.002, Math.abs(now[0] - opposite[0])), height: Math.max(0.002, Math.abs(now[1] - opposite[1])) });
  });
}

at('finding')?.addEventListener('input', () => { if (chosenShape) chosenShape.label = at('finding').value; drawShapes(); root.dispatchEvent(new Event('regions-drawn')); });
at('finding')?.addEventListener('keydown', (event) => { if (event.key === 'Enter') at('finding').blur(); });
