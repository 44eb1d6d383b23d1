// Where somebody is stands in the address: the page, the data set, the run and the case. A reload, Back, Forward and a
// copied address come back to it, and every page speaks of the same data set and the same run.
(() => {
  const NAMES = ['tab', 'data', 'run', 'case'];
  const here = (name) => new URLSearchParams(location.search).get(name) ?? '';
  const buttonOf = (tab) => document.getElementById(`page-${tab}-button`);
  const tabOf = (button) => button.id.slice('page-'.length, -'-button'.length);
  const isOpen = (button) => button.getAttribute('aria-selected') === 'true';

  function titled() {
    const name = buttonOf(here('tab'))?.textContent.trim();
    document.title = name ? `${name} · Overread` : 'Overread';
  }

  // Go somewhere else: what is not named stays, and what belonged to another data set or run is no longer meant.
  function go(change, { filled = false } = {}) {
    if (!filled) notHere();
    const before = Object.fromEntries(NAMES.map((name) => [name, here(name)]));
    const after = { ...before, ...change };
    if (before.data && after.data !== before.data && !('run' in change)) after.run = '';
    if (after.run !== before.run && !('case' in change)) after.case = '';
    const address = new URL(location.href);
    for (const name of NAMES) {
      if (after[name]) address.searchParams.set(name, after[name]);
      else address.searchParams.delete(name);
    }
    if (address.href === location.href) return;
    // Back undoes what a person chose; what a page filled in, and each case read, is no step of its own.
    const chosen = !filled && ['tab', 'data', 'run'].some((name) => before[name] && after[name] && after[name] !== before[name]);
    history[chosen ? 'pushState' : 'replaceState'](null, '', address);
    titled();
    const button = buttonOf(after.tab);
    if (button && !isOpen(button)) button.click();
  }

  // What a page found for the address. It takes the place of what is not there, and this is said: whoever followed a link to a run
  // that was deleted does not take another's figures for its own. It is no step of its own: Back would come to the lost one.
  function found(change) {
    const name = 'run' in change ? 'run' : 'data', lost = Boolean(here(name) && change[name] && change[name] !== here(name));
    go(lost && name === 'run' ? { data: '', ...change } : change, { filled: true });
    if (lost) notHere(name);
  }

  // Say that what the address names is not here; without a name, say so no longer.
  function notHere(name) {
    document.getElementById('not-here')?.remove();
    if (!name) return;
    const bar = document.createElement('div'), words = document.createElement('span'), close = document.createElement('button');
    bar.id = 'not-here';
    bar.setAttribute('role', 'alert');
    close.type = 'button';
    close.textContent = _('Close');
    close.onclick = () => bar.remove();
    bar.append(words, close);
    document.body.prepend(bar);   // above the page, not over it: its tabs stay within reach
    words.textContent = {
      run: _('The run in this address cannot be opened here: it may have been deleted, or belong to another workspace. Another run is shown.'),
      data: _('The data set in this address cannot be opened here: it may have been deleted, or belong to another workspace. Another data set is shown.'),
      case: _('The case in this address is not among those shown here: another part of the images may be chosen, or the run does not have it.'),
    }[name];
  }

  // What a person chose last counts, whatever answers come late. A page's question says where somebody was when it was asked,
  // and its answer brings that along: the answer fills in the address only where nothing else was chosen meanwhile, and
  // is asked for once more otherwise. A page that nobody looks at says nothing; it asks when it is come to.
  const question = () => ['data', 'run'].map(here).join(' ');
  function answered(tab, asked, change) {
    if (here('tab') !== tab) return;
    if (question() === asked) found(change);
    else document.getElementById(`again-${tab}`)?.click();
  }

  // What stands on a page that is opened is asked for once it has been painted: asking alone, of a page with a hundred
  // fields, keeps the browser busy for as long as putting it up. Whoever only passes by asks nothing.
  const arriving = {};
  function arrived(tab) {
    const mine = arriving[tab] = {}, until = performance.now() + 20000;
    const button = () => document.getElementById(`again-${tab}`), isSeen = () => Boolean(button()?.closest('[role=tabpanel]').offsetHeight);
    const ask = () => { if (arriving[tab] === mine && isSeen()) button().click(); };
    const wait = () => {
      if (arriving[tab] !== mine || performance.now() > until) return;
      if (!isSeen()) setTimeout(wait, 20);
      else if (document.hidden) ask();   // nothing is painted behind another tab of the browser
      else requestAnimationFrame(() => setTimeout(ask, 20));
    };
    wait();
  }

  document.addEventListener('click', (event) => {
    const button = event.target.closest?.('#pages button[role=tab][id^=page-]');
    if (button) go({ tab: tabOf(button) });
  }, true);

  addEventListener('popstate', () => {
    titled();
    notHere();
    // What is open over the page belongs to where somebody was: left open on a page that is not seen, it would keep every click
    // and key from the one that is.
    for (const open of document.querySelectorAll('dialog:modal')) {
      if (open.dispatchEvent(new Event('cancel', { cancelable: true }))) open.close();   // as Escape does
    }
    const button = buttonOf(here('tab'));
    if (button && !isOpen(button)) button.click();
    else document.getElementById(`again-${here('tab')}`)?.click();
    dispatchEvent(new Event('overread-here'));
  });

  // Open the page that the address names. A button that stands there may not hear a click yet: it is clicked until it does.
  const arrive = () => {
    const open = document.querySelector('#pages button[role=tab][id^=page-][aria-selected=true]');
    if (!open) return;
    const wanted = buttonOf(here('tab'));
    if (wanted && !isOpen(wanted)) return void wanted.click();
    watcher.disconnect();
    clearInterval(again);
    if (!wanted) go({ tab: tabOf(open) });
    titled();
  };
  const watcher = new MutationObserver(arrive), again = setInterval(arrive, 250);
  watcher.observe(document, { childList: true, subtree: true });
  setTimeout(() => { watcher.disconnect(); clearInterval(again); }, 20000);
  window.overread = { here, go, found, notHere, question, answered, arrived };
})();
