// The film in the depth of its file, on a canvas as large as the stage. Moving samples what is in view into one level a
// screen pixel; a window then only maps those levels, so that dragging it is smooth at any size of film.
const filmCanvas = at('film'), filmBrush = filmCanvas.getContext('2d', { alpha: false, willReadFrequently: true });
const SMOOTH = 1.5e6;     // screen pixels above which a film in motion is drawn at half resolution
const RESTED = 150;       // milliseconds
let film = null;          // the one on the stage: { told, table, planes }, see worker.js
let sampled = null;       // what was sampled last: { left, top, width, height, planes }
let moving = false;       // a hand is dragging: smooth goes before sharp

const filmsFetched = new Map();   // address → { ready, film: once it is there }
const filmsAwaited = new Map();   // address → what is told when it comes
const filmLine = new Worker(URL.createObjectURL(new Blob([`(${filmWorker})()`], { type: 'text/javascript' })));
filmLine.onmessage = ({ data: { address, film: found } }) => {
  filmsAwaited.get(address)?.(found ?? null);
  filmsAwaited.delete(address);
};

function filmAt(address) {
  let one = filmsFetched.get(address);
  if (!one) {
    one = { film: null };
    one.ready = new Promise((resolve) => filmsAwaited.set(address, resolve)).then((found) => { one.film = found; return found; });
    filmsFetched.set(address, one);
    filmLine.postMessage({ address, from: location.href });
  }
  return one;
}

// The next case's film, once the hand has rested; of all others the memory is given back.
function filmAhead(address) {
  for (const other of filmsFetched.keys()) if (![shown?.depth, address].includes(other)) filmsFetched.delete(other);
  clearTimeout(filmAhead.timer);
  if (address) filmAhead.timer = setTimeout(() => filmAt(address), 2 * RESTED);
}

// Put a case's film on the stage: at once where it is there already, else over its picture as soon as it is. Whoever leafs
// through cases faster than the eye reads them sees their pictures, and nothing is fetched in vain.
function showFilm(address) {
  clearTimeout(filmAhead.timer);
  clearTimeout(showFilm.timer);
  const known = filmsFetched.get(address);
  takeFilm(known?.film ?? null);
  if (film || !address) return;
  showFilm.timer = setTimeout(async () => {
    const found = await filmAt(address).ready;
    if (!found) filmsFetched.delete(address);
    else if (shown?.depth === address && !film) takeFilm(found);
  }, known ? 0 : RESTED);
}

function takeFilm(found) {
  film = found;
  takeWindow();
  place();
  drawFilm();
}

// --------------------------------------------------------------------------------------------------- geometry

// The film lies on the stage turned by quarters and mirrored; [a, b, c, d] turns a step on the film into one on the screen.
function turning(of = view) {
  const [cosine, sine] = [[1, 0], [0, 1], [-1, 0], [0, -1]][of.turn], side = of.mirror ? -1 : 1;
  return [cosine * side, sine * side, -sine, cosine];
}

// A matrix as CSS has it: from the sheet, which is as large as the film before it is zoomed, to the stage.
function placing() {
  const [a, b, c, d] = turning().map((part) => part * view.zoom), [width, height] = [view.sheetWidth, view.sheetHeight];
  return [a, b, c, d, view.x - Math.min(0, a * width) - Math.min(0, c * height), view.y - Math.min(0, b * width) - Math.min(0, d * height)];
}

// From the screen to the film, in fractions of its width and height.
function onFilm({ clientX, clientY }) {
  const box = stage.getBoundingClientRect(), [a, b, c, d, e, f] = placing();
  const x = clientX - box.left - e, y = clientY - box.top - f, scale = view.zoom * view.zoom;
  return [(a * x + b * y) / scale / view.sheetWidth, (c * x + d * y) / scale / view.sheetHeight];
}

// ----------------------------------------------------------------------------------------------------- drawing

// Of each pixel of a screen axis, where it lies along the film's side: place, step to the neighbour, its weight of 128.
function axis(from, to, offset, { scale, size, stride }) {
  const count = Math.max(0, to - from), places = new Int32Array(count), steps = new Int32Array(count), weights = new Int32Array(count);
  for (let pixel = 0; pixel < count; pixel++) {
    const where = clamp((from + pixel + 0.5 - offset) / scale - 0.5, 0, size - 1), whole = Math.floor(where);
    places[pixel] = whole * stride;
    steps[pixel] = whole < size - 1 ? stride : 0;
    weights[pixel] = Math.round((where - whole) * 128);
  }
  return { places, steps, weights };
}

function blend(levels, across, down) {
  const width = across.places.length, height = down.places.length, out = new Uint16Array(width * height);
  const { places, steps, weights } = across;
  for (let row = 0, to = 0; row < height; row++) {
    const start = down.places[row], below = down.steps[row], low = down.weights[row], high = 128 - low;
    for (let column = 0; column < width; column++, to++) {
      const here = start + places[column], beside = here + steps[column], right = weights[column], left = 128 - right;
      out[to] = ((levels[here] * left + levels[beside] * right) * high + (levels[here + below] * left + levels[beside + below] * right) * low + 8192) >> 14;
    }
  }
  return out;
}

// What of a film is in a canvas of so many pixels; the matrix goes from the sheet to the canvas.
function sample(one, [a, b, c, d, e, f], width, height, of = view) {
  const perPixel = of.sheetWidth / one.told.width, finest = Math.abs(a + b) * perPixel;
  const halvings = clamp(Math.floor(Math.log2(1 / finest) + 1e-6), 0, one.planes[0].length - 1);
  const { width: filmWidth, height: filmHeight } = one.planes[0][halvings], unit = perPixel * 2 ** halvings;
  const side = { size: filmWidth, stride: 1 }, upDown = { size: filmHeight, stride: filmWidth }, upright = of.turn % 2 === 0;
  const alongX = upright ? { ...side, scale: a * unit } : { ...upDown, scale: c * unit };
  const alongY = upright ? { ...upDown, scale: d * unit } : { ...side, scale: b * unit };
  const ends = (offset, along, most) => {
    const other = offset + along.scale * along.size;
    return [clamp(Math.round(Math.min(offset, other)), 0, most), clamp(Math.round(Math.max(offset, other)), 0, most)];
  };
  const [left, right] = ends(e, alongX, width), [top, bottom] = ends(f, alongY, height);
  const across = axis(left, right, e, alongX), down = axis(top, bottom, f, alongY);
  const planes = one.planes.map((sizes) => blend(sizes[halvings].levels, across, down));
  return { left, top, width: right - left, height: bottom - top, planes };
}

function paintOn(brush, { left, top, width, height, planes }, table = windowTable()) {
  if (!width || !height) return;
  const made = brush.createImageData(width, height), pixels = new Uint32Array(made.data.buffer);
  const [red, green, blue] = planes;
  if (!green) for (let place = 0; place < pixels.length; place++) pixels[place] = table[red[place]];
  else for (let place = 0; place < pixels.length; place++) {
    pixels[place] = 0xff000000 | (table[blue[place]] & 0xff0000) | (table[green[place]] & 0xff00) | (table[red[place]] & 0xff);
  }
  brush.putImageData(made, left, top);
}

function drawFilm() {
  drawingDue = false;
  const ready = Boolean(film && image.naturalWidth && view.sheetWidth);
  root.toggleAttribute('data-film', ready);
  drawBeside();
  if (!ready) return;
  const dense = devicePixelRatio || 1, wide = stage.clientWidth, high = stage.clientHeight;
  const ratio = moving && wide * high * dense * dense > SMOOTH ? dense / 2 : dense;
  const width = Math.max(1, Math.round(wide * ratio)), height = Math.max(1, Math.round(high * ratio));
  if (filmCanvas.width !== width || filmCanvas.height !== height) {
    [filmCanvas.width, filmCanvas.height] = [width, height];
    sampled = null;
  }
  if (!sampled) {
    filmBrush.fillStyle = '#000';
    filmBrush.fillRect(0, 0, width, height);
    sampled = sample(film, placing().map((part) => part * ratio), width, height);
  }
  paintOn(filmBrush, sampled);
  drawLens();
}

// Once a frame, however often the hand asks for it; what was moved is sampled anew.
let frameAsked = false, drawingDue = false;
function askFrame({ moved = false } = {}) {
  if (moved) sampled = null;
  drawingDue = true;
  if (frameAsked) return;
  frameAsked = true;
  requestAnimationFrame(() => {
    frameAsked = false;
    if (drawingDue) drawFilm();   // unless it was drawn meanwhile, as a new film is
  });
}

function setMoving(on) {
  if (moving === on) return;
  moving = on;
  askFrame({ moved: true });
}

// The levels at a place of the film, one of each plane; null beside it.
function levelsAt([across, down]) {
  if (!film || !(across >= 0 && down >= 0 && across < 1 && down < 1)) return null;
  const { width, height } = film.planes[0][0], place = Math.floor(down * height) * width + Math.floor(across * width);
  return film.planes.map(([whole]) => whole.levels[place]);
}
