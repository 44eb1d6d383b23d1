// Window and level: which values are black and which are white. First as the file has it, whatever its function; from then
// on straight, between centre and width in the file's units.
const HU_WINDOWS = { [_('Lung')]: [-600, 1500], [_('Soft tissue')]: [40, 400], [_('Bone')]: [400, 1800] };
// Where values have no such scale: between which shares of the film's levels, from its darkest on.
const SHARES = { [_('Lung')]: [0.005, 0.5], [_('Soft tissue')]: [0.2, 0.95], [_('Bone')]: [0.5, 0.999] };
const cut = { centre: 0, width: 1, asFile: true, invert: false };
let tableMade = null, windows = [];

const meaning = (level, one = film) => one.told.slope * level + one.told.intercept;
const valueRange = (one = film) => Math.abs(one.told.slope) * (one.table.length - 1);
const figure = (value, one = film) => String(Number(value.toPrecision(valueRange(one) < 10 ? 4 : Math.abs(value) < 1000 ? 4 : 6)));

// Of a new film everything is as its file says: what one film needed is wrong for the next.
function takeWindow() {
  for (const name of ['centre', 'width', 'windows']) at(name).disabled = !film;
  windows = film ? presets() : [];
  at('windows').replaceChildren(...windows.map(({ title }, number) => new Option(title, number)), new Option(_('Own'), 'own', false, false));
  at('windows').lastElementChild.hidden = true;
  cut.invert = false;
  if (film) useWindow(0);
  else showWindow();
}

function presets() {
  const { window: first, windows: named, unit } = film.told;
  const others = named.filter(({ centre, width }) => centre !== first.centre || width !== first.width);
  const own = unit === 'HU' ? Object.entries(HU_WINDOWS).map(([title, [centre, width]]) => ({ title, centre, width }))
    : Object.entries(SHARES).map(([title, shares]) => ({ title, shares }));
  return [{ title: _('From the file'), ...first, asFile: true },
    ...others.map(({ centre, width }) => ({ title: fill(_('File: {centre} / {width}'), { centre: inDigits(figure(centre)), width: inDigits(figure(width)) }), centre, width })),
    { title: _('Auto: what is in view'), inView: true }, ...own];
}

function useWindow(number) {
  const chosen = windows[number];
  if (!chosen) return;
  const { centre, width } = chosen.inView ? between(sampled?.planes.flatMap((plane) => Array.from(plane)) ?? [], [0.005, 0.995])
    : chosen.shares ? between(film.planes.flatMap((sizes) => Array.from(sizes.at(-1).levels)), chosen.shares) : chosen;
  setWindow(centre, width, { asFile: chosen.asFile, chosen: number });
}

// The window between two shares of levels, counted from the darkest.
function between(levels, [from, to]) {
  const sorted = Uint16Array.from(levels.filter((level) => level !== film.told.padding)).sort();
  if (!sorted.length) return film.told.window;
  const darkFirst = (film.told.slope > 0) !== film.told.inverted, [low, high] = darkFirst ? [from, to] : [1 - to, 1 - from];
  const valueAt = (share) => meaning(sorted[Math.round(share * (sorted.length - 1))]);
  return { centre: (valueAt(low) + valueAt(high)) / 2, width: Math.abs(valueAt(high) - valueAt(low)) };
}

function setWindow(centre, width, { asFile = false, chosen = 'own' } = {}) {
  if (!film) return;
  const least = Math.abs(film.told.slope) * (film.told.exact ? 0.01 : 1);
  Object.assign(cut, { centre, width: Math.max(least, width), asFile });
  at('windows').value = chosen;
  showWindow();
}

function showWindow() {
  tableMade = null;
  at('centre').value = film ? figure(cut.centre) : '';
  at('width').value = film ? figure(cut.width) : '';
  root.querySelector('[data-do="invert"]').setAttribute('aria-pressed', cut.invert);
  sayView();
  askFrame();
}

// What the hand does with a drag: to the right wider, up brighter.
function windowBy(dx, dy) {
  if (!film) return;
  const step = Math.min(valueRange(), 8 * film.told.window.width || Infinity) / 1000;
  setWindow(cut.centre + dy * step * (film.told.inverted ? -1 : 1), cut.width + dx * step);
}

function toggleInvert() { cut.invert = !cut.invert; showWindow(); }

// For each level its colour on the screen, as one number: opaque, and red = green = blue.
function windowTable() {
  return tableMade ??= tableOf(film, cut);
}

function tableOf(one, how) {
  const { inverted, padding, exact } = one.told, shift = exact ? 0 : 0.5, span = exact ? how.width : how.width - 1;
  const low = how.centre - shift - span / 2, colours = new Uint32Array(65536);
  for (let level = 0; level < one.table.length; level++) {
    const straight = () => {
      const share = span > 0 ? (meaning(level, one) - low) / span : meaning(level, one) > low ? 1 : 0;
      const grey = Math.floor(255 * clamp(share, 0, 1) + 0.5);
      return inverted ? 255 - grey : grey;
    };
    const asked = how.asFile ? one.table[level] : straight(), grey = level === padding ? 0 : how.invert ? 255 - asked : asked;
    colours[level] = (0xff000000 | grey << 16 | grey << 8 | grey) >>> 0;
  }
  return colours;
}

// The value under the pointer, in the file's units, and where that is.
function sayValue(pointer) {
  const where = pointer && film ? onFilm(pointer) : null, levels = where && levelsAt(where);
  if (!levels) {
    text('corner-value', '');
    return;
  }
  const { width, height, unit, padding, shrunk } = film.told, place = `${Math.floor(where[0] * width) * shrunk}, ${Math.floor(where[1] * height) * shrunk}`;
  const value = levels[0] === padding ? _('padding') : `${levels.map((level) => figure(meaning(level))).join(' ')} ${unit}`.trim();
  text('corner-value', inDigits(fill(_('{value} at {place}'), { value, place })));
}

for (const name of ['centre', 'width']) {
  at(name).onchange = () => {
    const typed = Number(at(name).value);
    if (at(name).value === '' || !Number.isFinite(typed) || (name === 'width' && typed <= 0)) {
      toast(name === 'width' ? _('The width of a window is a number above 0.') : _('The centre of a window is a number.'));
      showWindow();
      return;
    }
    setWindow(name === 'centre' ? typed : cut.centre, name === 'width' ? typed : cut.width);
  };
  at(name).addEventListener('keydown', (event) => { if (event.key === 'Enter') at(name).blur(); });
}
at('windows').onchange = () => { at('windows').blur(); useWindow(Number(at('windows').value)); };
