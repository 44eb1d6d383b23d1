// The guide: four steps over the pages themselves, shown to a browser that has not seen it. That it was closed is kept as a
// cookie: it is about who sits at this browser, whoever reads, and a browser's other storage forgets it with the port.
const guide = element.querySelector('.gd'), help = element.querySelector('.gd-help');
const does = (name) => guide.querySelector(`[data-gd="${name}"]`);
const tabButton = (name) => document.getElementById(`page-${name}-button`);
const openTab = () => window.overread?.here('tab') ?? '';
let now = -1;   // the step that is shown; before the first, all are only named

// A role has the pages it has, and the steps that lie on them.
const steps = () => [...guide.querySelectorAll('[data-step]')].filter((step) => tabButton(step.dataset.step));

function show(number) {
  now = number;
  for (const step of guide.querySelectorAll('[data-step]')) {
    step.hidden = !tabButton(step.dataset.step);
    step.removeAttribute('aria-current');
  }
  const all = steps();
  all[now]?.setAttribute('aria-current', 'step');
  if (all[now]) window.overread?.go({ tab: all[now].dataset.step });
  does('next').textContent = now < 0 ? _('Show me') : now < all.length - 1 ? _('Next') : _('Done');
  does('back').hidden = now < 1;
  guide.hidden = false;
  help.setAttribute('aria-expanded', 'true');
}

function hide() {
  guide.hidden = true;
  help.setAttribute('aria-expanded', 'false');
}

function close() {
  hide();
  document.cookie = 'overread-guide=seen; Path=/; Max-Age=315360000; SameSite=Strict';
  help.focus();
}

does('next').onclick = () => (now < steps().length - 1 ? show(now + 1) : close());
does('back').onclick = () => { show(now - 1); does('next').focus(); };
does('close').onclick = close;
help.onclick = () => {
  if (!guide.hidden) return close();
  show(steps().findIndex((step) => step.dataset.step === openTab()));
  guide.focus();
};
for (const step of guide.querySelectorAll('[data-step]')) step.querySelector('button').onclick = () => show(steps().indexOf(step));

// Keys that are pressed here are for the guide, and never a verdict.
guide.addEventListener('keydown', (event) => {
  event.stopPropagation();
  if (event.key === 'Escape') close();
});

// In a study there is nothing beside the study.
document.addEventListener('click', (event) => { if (event.target.closest?.('#page-studies-button')) hide(); });

const waiting = setInterval(() => {
  if (!steps().length) return;
  clearInterval(waiting);
  if (!/(^|; )overread-guide=seen/.test(document.cookie) && openTab() !== 'studies') show(-1);
}, 50);
