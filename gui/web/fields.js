// What is wrong with a field is said below it, wherever the page says so: <span data-said-at="ID" data-said="…">.
(() => {
  const MARK = '[data-said-at]';
  let last = '';

  function sayThem() {
    const told = [...document.querySelectorAll(MARK)].map((one) => [one.dataset.saidAt, one.dataset.said]);
    const now = JSON.stringify(told);
    const there = told.filter(([id]) => document.getElementById(id)).every(([id]) => document.getElementById(`${id}-said`));
    if (now === last && there) return;
    last = now;
    for (const old of document.querySelectorAll('.or-said')) {
      for (const input of old.parentElement.querySelectorAll('[aria-invalid]')) {
        input.removeAttribute('aria-invalid');
        input.removeAttribute('aria-describedby');
      }
      old.remove();
    }
    for (const [id, said] of told) {
      const field = document.getElementById(id);
      if (!field) continue;
      const line = document.createElement('p');
      line.id = `${id}-said`;
      line.className = 'or-said';
      line.setAttribute('role', 'alert');
      line.textContent = said;
      field.append(line);
      for (const input of field.querySelectorAll('input, textarea')) {
        input.setAttribute('aria-invalid', 'true');
        input.setAttribute('aria-describedby', line.id);
      }
    }
  }

  new MutationObserver((changes) => {
    const ours = (node) => node.nodeType === 1 && (node.matches(MARK) || node.querySelector(MARK));
    if (last !== '' && last !== '[]') return void sayThem();
    if (changes.some((change) => [...change.addedNodes].some(ours))) sayThem();
  }).observe(document, { childList: true, subtree: true });
})();
