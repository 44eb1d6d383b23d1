// A new image is on the screen for half a second before a verdict is taken: the second tap of a double one, or of a
// hand that was faster than the eye, is for an image that nobody has seen. The time begins when the image is painted.
const GUARD = 500;   // milliseconds
let guardedUntil = 0;

function guard() {
  guardedUntil = performance.now() + GUARD;
  root.toggleAttribute('data-guard', true);
  clearTimeout(guard.timer);
  guard.timer = setTimeout(() => root.toggleAttribute('data-guard', false), GUARD);
}

const tooEarly = () => performance.now() < guardedUntil;

// An image that was painted behind another tab is first seen when its own comes to the front.
document.addEventListener('visibilitychange', () => { if (!document.hidden) guard(); });
