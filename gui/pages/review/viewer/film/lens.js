// A magnifier under the pointer: the film alone, larger, without leaving the whole.
const LENS = 220, LENS_ZOOM = 2.5, lens = at('lens'), lensBrush = lens.getContext('2d', { alpha: false });
let lensOn = false, lensAt = null;

function toggleLens() {
  lensOn = !lensOn;
  root.querySelector('[data-do="lens"]').setAttribute('aria-pressed', lensOn);
  lensAt ??= [stage.clientWidth / 2, stage.clientHeight / 2];
  drawLens();
}

function moveLens(pointer) {
  const box = stage.getBoundingClientRect();
  lensAt = [pointer.clientX - box.left, pointer.clientY - box.top];
  if (lensOn) askFrame();
}

function drawLens() {
  lens.hidden = !(lensOn && film && lensAt);
  if (lens.hidden) return;
  const dense = devicePixelRatio || 1, side = Math.round(LENS * dense), [x, y] = lensAt, half = LENS / 2;
  if (lens.width !== side) lens.width = lens.height = side;
  const [a, b, c, d, e, f] = placing(), larger = LENS_ZOOM * dense;
  lensBrush.fillStyle = '#000';
  lensBrush.fillRect(0, 0, side, side);
  paintOn(lensBrush, sample(film, [a * larger, b * larger, c * larger, d * larger, (e - x) * larger + half * dense, (f - y) * larger + half * dense], side, side));
  lens.style.transform = `translate(${x - half}px, ${y - half}px)`;
}
