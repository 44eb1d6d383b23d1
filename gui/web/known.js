// Gradio names its empty boxes and gives them no role, so that nobody hears the name; and of what is folded away nobody hears
// whether it is open, which Gradio writes as a class. A choice that runs the other way than the page is cut at its own end.
// What Gradio calls in English in every language is called as the page speaks, a slider and its number by their field; the
// value that a choice has within the program is no tip of its box.
(() => {
  const CHOICE = 'input:is([role=listbox], [role=combobox])', NAMED = ['aria-label', 'title'], OF_FIELD = /^(number input|range slider) for /;
  const CALLED = {
    'More tabs': _('More pages'), 'Table actions': _('What can be done with the table'), 'Copy table data': _('Copy the table'),
    'Fullscreen': _('Full screen'), 'Exit fullscreen mode': _('Leave full screen'), 'Dataframe': _('Table'), 'Open cell menu': _('Menu of the column'),
    'File upload': _('Upload a file'), 'Click to upload or drop files': _('Click to upload a file, or drop it here'), 'Reset to default value': _('Back to the default'),
  };
  const call = (one, name) => {
    const said = one.getAttribute(name), told = said && (CALLED[said] ?? said.replace(OF_FIELD, ''));
    if (name === 'title' && one.matches('input:is([type=checkbox], [type=radio])')) one.removeAttribute('title');
    else if (told && told !== said) one.setAttribute(name, told);
  };
  const tell = (one) => {
    if (one.matches('.empty[aria-label]')) one.role = 'img';
    else if (one.matches('button.label-wrap')) one.setAttribute('aria-expanded', String(one.classList.contains('open')));
    else if (one.matches(CHOICE) && document.dir !== 'rtl') one.dir = 'auto';
    for (const name of NAMED) call(one, name);
  };
  new MutationObserver((changes) => {
    for (const { type, target, addedNodes } of changes) {
      if (type === 'attributes') tell(target);
      for (const node of addedNodes) {
        if (node instanceof Element) [node, ...node.querySelectorAll(`[aria-label], [title], button.label-wrap, ${CHOICE}`)].forEach(tell);
      }
    }
  }).observe(document, { childList: true, subtree: true, attributeFilter: ['class', ...NAMED] });
})();

// What is asked for twice by a slip of the hand is asked for once. The second click of a double click, and the second tap, would
// undo what the first did where a button turns (archive and offer again), take back two answers, or land on whatever the first
// has put under the pointer: a question, a dialog, another folder's list. Buttons that step or look take every click.
(() => {
  const ONCE = '#pages button.lg, #pages a[download], .sd button, .br button, .rp, .rv dialog button, [data-do=undo], [data-do=flag], [data-do=finish]';
  let tapped = { timeStamp: -Infinity };
  addEventListener('click', (event) => {
    if (!event.isTrusted && event.detail < 2) return;   // a script's own
    const again = event.pointerType === 'touch' && event.timeStamp - tapped.timeStamp < 500 && Math.hypot(event.clientX - tapped.clientX, event.clientY - tapped.clientY) < 30;
    if (event.pointerType === 'touch') tapped = event;
    if ((event.detail > 1 || again) && event.target.closest?.(ONCE)) {
      event.preventDefault();
      event.stopImmediatePropagation();
    }
  }, true);

  // An Enter that is held down presses a button again and again, also the one that asks whether this is meant.
  addEventListener('keydown', (event) => {
    if (!event.repeat || event.key !== 'Enter' || event.target.closest?.('textarea, [contenteditable=true]')) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }, true);
})();

// Whoever is not known any more is told so, and loses nothing that is on the page. What a page says where no answer came
// is then this sentence too: “not responding” would be another reason, and a wrong one. Known again, the bar goes.
(() => {
  const ask = window.fetch, standing = () => document.getElementById('not-known');
  let refused = '';   // which of the program's addresses said so
  const LOST = /\/(queue|run)\//;   // Gradio's events: its own word on them is in English, and says nothing that helps
  // A training has a process of its own, which the end of the window does not end: nobody need begin again.
  const training = () => ([...document.querySelectorAll('#train-stop, #experiment-stop')].some((stop) => stop.offsetParent) ? _('The training that you see continues without it.') : '');
  window.fetch = async (...what) => {
    const event = LOST.test(what[0]?.url ?? what[0]);
    const lost = () => say(window.overread.away || [_('Overread is not responding. Check that the program is still running.'), training()].join(' ').trim(), LOST);
    const answer = await ask(...what).catch((error) => {
      if (event && error.name !== 'AbortError') lost();
      throw error;
    });
    const address = new URL(answer.url || location.href).pathname;
    learn(answer);
    if (event && !answer.ok && !window.overread.isOurs(answer)) lost();
    else if (answer.status === 401) say(await answer.clone().text(), address);
    else if (address === refused || (event && refused === LOST)) standing()?.remove();
    return answer;
  };
  // A proxy or a tunnel behind which nothing runs answers too, with a page of its own; our door names itself in all it lets out.
  window.overread.isOurs = (answer) => answer.headers.has('content-security-policy');
  // Why what is at an address cannot be shown.
  window.overread.whyNot = async (address) => {
    try {
      const answer = await fetch(address);
      if (window.overread.isOurs(answer)) return answer.ok ? '' : await answer.text();
    } catch { /* said below */ }
    return window.overread.unanswered(_('Overread is not responding.'));
  };
  // A link that ends by itself says in each answer in how many seconds. An answer that the browser had kept says more than is
  // left, so the earliest counts. The time of day goes on while a computer sleeps, and what is set for a time does not: both look.
  let closes = Infinity;
  const learn = (answer) => {
    const left = answer.headers.get('overread-closes-in');
    if (left === null) return;
    if (closes === Infinity) setInterval(over, 1000);
    closes = Math.min(closes, Date.now() + 1000 * Number(left));
  };
  const over = () => {
    if (Date.now() < closes) return;
    const time = new Date(closes).toLocaleTimeString(navigator.language, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
    say(fill(window.overread.over, { time }), '');
  };
  // Who has no program to look after is told so in words of their own (`away`, from `gui.app`).
  window.overread.unanswered = (otherwise) => over() ?? standing()?.textContent ?? (otherwise && (window.overread.away || otherwise));
  const say = (sentence, address) => {
    const bar = standing() ?? document.createElement('p');
    refused = address;
    bar.id = 'not-known';
    bar.setAttribute('role', 'alert');
    if (bar.textContent !== sentence) bar.textContent = sentence;
    if (!bar.isConnected) document.body.append(bar);
  };
})();
