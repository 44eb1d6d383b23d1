// What every reading screen does: words and images put in place, trouble said, the seconds of a case counted.
let busy = false;
let wake = 0, slept = 0, hiddenAt = null;
const fetched = new Map();
// Names that the server knows this page by, and an answer that is given again after the line broke.
const randomName = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
const pageName = randomName();
const text = (name, value) => { const node = at(name); if (node) node.textContent = value; };
const percent = (value) => (100 * value).toFixed(1) + '%';

function toast(message) {
  const box = at('toast');
  box.textContent = message;
  box.hidden = false;
  clearTimeout(box.timer);
  box.timer = setTimeout(() => { box.hidden = true; }, 12000);
}

function setBusy(on) {
  busy = on;
  root.toggleAttribute('data-busy', on);
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

const painted = () => new Promise((resolve) => {
  if (document.hidden) return resolve();   // no frames are painted in a hidden tab
  requestAnimationFrame(() => requestAnimationFrame(resolve));
});

async function whyNot(address) {
  try {
    return await (await fetch(address)).text();
  } catch {
    return 'Overread is not responding.';
  }
}

function option({ value, title, says = '' }) {
  const made = new Option(title, value);
  made.title = says;
  return made;
}

// time on a case counts only while its tab is in front
document.addEventListener('visibilitychange', () => {
  if (document.hidden) hiddenAt = performance.now();
  else if (hiddenAt !== null) [slept, hiddenAt] = [slept + performance.now() - Math.max(hiddenAt, wake), null];
});
