// The heatmap, coloured here: its levels come once with the case, and no slider asks the server again.
// These files are joined into one function body that Gradio calls with `element` and `server`.
const root = element.querySelector('.rv');
const at = (name) => root.querySelector(`[data-at="${name}"]`);
const kept = (name, fallback) => sessionStorage.getItem('overread.' + name) ?? fallback;
const keep = (name, value) => sessionStorage.setItem('overread.' + name, value);

const SIDE = 256, heat = at('heat');
let levels = null;      // red: evidence for the class, green: against it, as shares of the scale times 255
let legend = null;      // what the colours of the map that is shown mean
const tables = {};      // name → 256 colours, RGBA
const colouring = { name: kept('colours', ''), against: kept('against', 'off') === 'on' };
at('threshold').value = kept('threshold', '0');

function takeColours(given) {
  for (const [name, packed] of Object.entries(given)) tables[name] = Uint8Array.from(atob(packed), (c) => c.charCodeAt(0));
  const names = Object.keys(tables).filter((name) => name !== 'against');
  if (!names.includes(colouring.name)) colouring.name = names[0];
  at('colours').replaceChildren(...names.map((name) => new Option(name, name)));
  at('colours').value = colouring.name;
  paintHeat();
}

function takeLevels(picture) {
  levels = null;
  if (picture.naturalWidth) {
    const sheet = new OffscreenCanvas(SIDE, SIDE).getContext('2d', { willReadFrequently: true });
    sheet.drawImage(picture, 0, 0, SIDE, SIDE);
    levels = sheet.getImageData(0, 0, SIDE, SIDE).data;
  }
  paintHeat();
}

function colourInto(pixels, place, table, level) {
  for (let channel = 0; channel < 4; channel++) pixels[place + channel] = table[4 * level + channel];
}

function paintHeat() {
  const brush = heat.getContext('2d');
  brush.clearRect(0, 0, SIDE, SIDE);
  heat.toggleAttribute('data-painted', Boolean(levels && tables.against));
  if (!levels || !tables.against) return;
  const least = Math.max(1, at('threshold').value * 2.55), made = brush.createImageData(SIDE, SIDE);
  for (let place = 0; place < levels.length; place += 4) {
    if (levels[place] >= least) colourInto(made.data, place, tables[colouring.name], levels[place]);
    else if (colouring.against && levels[place + 1] >= least) colourInto(made.data, place, tables.against, levels[place + 1]);
  }
  brush.putImageData(made, 0, 0);
  paintBar('bar-for', tables[colouring.name]);
  paintBar('bar-against', tables.against);
}

function paintBar(name, table) {
  const brush = at(name).getContext('2d'), made = brush.createImageData(1, 256);
  for (let level = 0; level < 256; level++) colourInto(made.data, 4 * (255 - level), table, level);
  brush.putImageData(made, 0, 0);
}

// The bar, its numbers, the class and the method: beside the image whenever there is a map.
function showLegend(given) {
  legend = given;
  at('legend').hidden = !legend;
  root.querySelector('[data-do="against"]').setAttribute('aria-pressed', colouring.against);
  at('bar-against').hidden = !colouring.against;
  at('bar-threshold').style.bottom = at('threshold').value + '%';
  const last = Number(legend?.ticks.at(-1)[1]);   // a relative map has words there
  const least = String(Number((last * at('threshold').value / 100).toPrecision(2)));  // as the numbers of the bar are
  at('threshold-number').textContent = inDigits(last ? (navigator.language === 'en' ? least.replace(/^0(?=\.)/, '') : least) : fill(_('{share}%'), { share: at('threshold').value }));
  if (!legend) return;
  for (const name of ['title', 'method', 'unit', 'sum']) at('legend-' + name).textContent = name === 'sum' ? inDigits(legend[name]) : legend[name];
  if (colouring.against) at('legend-title').textContent = fill(_('{title}, and against it'), legend);
  at('legend-ticks').replaceChildren(...legend.ticks.map(([share, number]) => {
    const tick = document.createElement('span');
    tick.textContent = inDigits(number);
    tick.style.bottom = 100 * share + '%';
    return tick;
  }));
}

function recolour() {
  keep('colours', colouring.name);
  keep('against', colouring.against ? 'on' : 'off');
  keep('threshold', at('threshold').value);
  paintHeat();
  showLegend(legend);
}

function toggleAgainst() { colouring.against = !colouring.against; recolour(); }

at('threshold').oninput = recolour;
at('colours').onchange = () => { colouring.name = at('colours').value; at('colours').blur(); recolour(); };
