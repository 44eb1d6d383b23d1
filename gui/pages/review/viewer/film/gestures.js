// What a hand does on the stage. One pointer uses the tool; the right button windows, the middle one moves. Two fingers
// move and pinch whatever the tool is.
const pointers = new Map();   // those that are down, by id
let gesture = null;           // what the first of them does: { move(event), finish(), cancel() }

function beginGesture(event) {
  const tool = event.button === 2 ? 'window' : event.button === 1 ? 'move' : view.tool;
  let { clientX: x, clientY: y } = event;
  const byStep = (act) => (move) => {
    act(move.clientX - x, move.clientY - y);
    ({ clientX: x, clientY: y } = move);
  };
  stage.toggleAttribute('data-dragging', tool === 'move');
  if (tool === 'move') return { move: byStep(moveBy), drags: true };
  if (tool === 'window') return { move: byStep(windowBy), drags: true };
  return beginShape(event, tool);
}

function endGesture(how) {
  gesture?.[how]?.();
  gesture = null;
  stage.removeAttribute('data-dragging');
  setMoving(false);
}

function pinch(event) {
  const [first, second] = [...pointers.values()];
  const span = () => Math.hypot(pointers.get(first.id).x - pointers.get(second.id).x, pointers.get(first.id).y - pointers.get(second.id).y);
  const middle = () => [(pointers.get(first.id).x + pointers.get(second.id).x) / 2, (pointers.get(first.id).y + pointers.get(second.id).y) / 2];
  const before = span(), [x, y] = middle();
  pointers.set(event.pointerId, { id: event.pointerId, x: event.clientX, y: event.clientY });
  const [newX, newY] = middle();
  moveBy(newX - x, newY - y);
  if (before > 0) zoomBy(span() / before, newX, newY);
}

stage.onpointerdown = (event) => {
  if (event.target.closest('.rv-notice, .rv-side') || !image.naturalWidth) return;
  event.preventDefault();
  if (!stage.contains(document.activeElement) || !document.activeElement.closest('.rv-side')) document.activeElement?.blur();
  pointers.set(event.pointerId, { id: event.pointerId, x: event.clientX, y: event.clientY });
  try { stage.setPointerCapture(event.pointerId); } catch { /* it went up meanwhile */ }
  if (event.button === 0) choose(null);
  if (pointers.size === 1) gesture = beginGesture(event);
  else if (pointers.size === 2) {
    endGesture('cancel');
    setMoving(true);
  }
  moveLens(event);
};
stage.addEventListener('pointermove', (event) => {
  moveLens(event);
  sayValue(event);
  if (!pointers.has(event.pointerId)) return;
  if (pointers.size === 2) {
    pinch(event);
    return;
  }
  pointers.set(event.pointerId, { id: event.pointerId, x: event.clientX, y: event.clientY });
  if (gesture?.drags) setMoving(true);
  gesture?.move(event);
});
for (const [name, how] of [['pointerup', 'finish'], ['pointercancel', 'cancel'], ['lostpointercapture', 'finish']]) {
  stage.addEventListener(name, (event) => {
    if (!pointers.delete(event.pointerId)) return;
    endGesture(how);
  });
}
stage.addEventListener('pointerleave', () => sayValue(null));
stage.onwheel = (event) => {
  event.preventDefault();
  setMoving(true);
  zoomBy(Math.exp(-event.deltaY * 0.0015), event.clientX, event.clientY);
  clearTimeout(stage.settle);
  stage.settle = setTimeout(() => { if (!pointers.size) setMoving(false); }, 150);
};
stage.oncontextmenu = (event) => event.preventDefault();
stage.ondblclick = (event) => {
  if (!event.target.closest('.rv-side, .rv-notice') && !(view.tool === 'region' || event.target.closest('.rv-shape'))) fitImage();
  else if (drafted) closePolygon();
};
