// What every reading screen does: words and images put in place, trouble said, the seconds of a case counted.
let busy = false;
let wake = 0, slept = 0, hiddenAt = null;
const fetched = new Map();
// Names that the server knows this page by, and an answer that is given again after the line broke.
const randomName = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
const pageName = randomName();
const text = (name, value) => { const node = at(name); if (node) node.textContent = value; };
// A name of the data, which turns no sentence around.
function isolated(name) {
  const node = document.createElement('bdi');
  node.textContent = name;
  return node;
}
const MOST_KEYS = 9;
const folded = (name) => name.normalize('NFKD').replace(/\p{Mn}/gu, '').toLowerCase().trim();
const fits = (name, typed) => folded(name).includes(folded(typed));
const percent = (value) => (100 * value).toFixed(1) + '%';   // for style sheets
const inPercent = (value) => fill(_('{share}%'), { share: numeral(100 * value, 1) });

// What was written and drawn on a case but not stored stays with this browser's tab, through a reload too, which asks first: a
// slip of the hand loses nothing. Each screen has its `unsaid`, which says whether there is such a thing.
const draftAt = (key) => JSON.parse(kept(key, 'null'));
const forgetDraft = (key) => sessionStorage.removeItem('overread.' + key);
const regionsUnsaid = (stored) => JSON.stringify(regions) !== JSON.stringify((stored ?? []).map(wholeRegion));
addEventListener('beforeunload', (event) => { if (root.isConnected && unsaid()) event.preventDefault(); });

function toast(message) {
  const box = at('toast');
  const said = message === window.overread.unanswered('');   // by the bar above the page
  box.textContent = said ? '' : message;
  box.removeAttribute('data-waits');
  box.hidden = said;
  clearTimeout(box.timer);
  box.timer = setTimeout(() => { box.hidden = true; }, 12000);
}

// Where no answer comes (a network that is gone, a computer that sleeps) keys do nothing for as long: whoever waits is told.
const WAITS = 5000;
let waited = 0;
function setBusy(on) {
  const box = at('toast');
  busy = on;
  root.toggleAttribute('data-busy', on);
  clearTimeout(waited);
  if (box.hasAttribute('data-waits')) box.hidden = true;
  if (!on) return;
  waited = setTimeout(() => {
    toast(_('Overread has not answered yet. What you pressed last is carried out once it does; what you press meanwhile is not.'));
    clearTimeout(box.timer);
    box.toggleAttribute('data-waits', true);
  }, WAITS);
}

function picture(address) {
  let found = fetched.get(address);
  if (!found) {
    const image = new Image();
    image.alt = '';
    if (address) image.src = address;
    found = { image, ready: address ? image.decode().then(() => true, () => false) : Promise.resolve(true) };
    if (address) fetched.set(address, found);
  }
  return found;
}

// The first task after the next frame: what stands on the page now has been painted in it.
const painted = () => new Promise((resolve) => {
  if (document.hidden) return resolve();   // no frames are painted in a hidden tab
  requestAnimationFrame(() => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = resolve;
    port2.postMessage(null);
  });
});

// Numbers of classes as they are listed: few in their own order; more by probability, after the predicted one.
function inOrder(classes, probabilities, predicted) {
  const numbers = classes.map((_, number) => number);
  if (classes.length <= MOST_KEYS) return numbers;
  return numbers.sort((one, other) => (classes[other] === predicted) - (classes[one] === predicted) || probabilities[other] - probabilities[one]);
}

// What was typed means the class of that name, else the only one it is a part of; of any other the reader is told.
function classTyped(classes, typed) {
  const same = classes.filter((name) => folded(name) === folded(typed)), left = same.length ? same : classes.filter((name) => typed && fits(name, typed));
  if (left.length !== 1) toast(left.length ? _('More than one class fits. Type more of it.') : _('No class fits.'));
  return left.length === 1 ? classes.indexOf(left[0]) : -1;
}

// A box to type part of a class into, where there are more than there are keys.
function typingBox(list, take) {
  const box = document.createElement('input');
  box.type = 'text';
  box.className = 'rv-typed';
  box.dir = 'auto';
  box.autocomplete = 'off';
  box.placeholder = _('Type part of a class, then Enter ( / )');
  box.setAttribute('aria-label', _('Type part of a class'));
  box.oninput = () => list(box.value);
  box.onkeydown = (event) => {
    if (event.isComposing || !['Enter', 'NumpadEnter'].includes(event.code)) return;
    event.preventDefault();
    event.stopPropagation();
    const number = classTyped(shown.classes, box.value);
    if (number < 0) return;
    box.value = '';
    box.blur();
    list('');
    take(number);
  };
  return box;
}

function option({ value, title, says = '' }) {
  const made = new Option(title, value);
  made.title = says;
  return made;
}

// time on a case counts only while its tab is in front, and while the computer is awake: its clock may run on when nothing does
const ASLEEP = 10000;
let ticked = performance.now();
function tick() {
  const now = performance.now();
  if (!document.hidden && now - ticked > ASLEEP) slept += Math.max(0, now - Math.max(ticked, wake));
  ticked = now;
}
setInterval(tick, 1000);
document.addEventListener('visibilitychange', () => {
  if (document.hidden) hiddenAt = performance.now();
  else if (hiddenAt !== null) [slept, hiddenAt] = [slept + performance.now() - Math.max(hiddenAt, wake), null];
  ticked = performance.now();
});
function secondsRead() {
  tick();
  return Math.max(0, performance.now() - wake - slept) / 1000;
}
