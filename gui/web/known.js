// Gradio names its empty boxes and gives them no role, so that nobody hears the name.
new MutationObserver((changes) => {
  for (const { addedNodes } of changes) {
    for (const node of addedNodes) {
      if (!(node instanceof Element)) continue;
      for (const box of [node, ...node.querySelectorAll('.empty[aria-label]')]) if (box.matches('.empty[aria-label]')) box.role = 'img';
    }
  }
}).observe(document, { childList: true, subtree: true });

// Whoever is not known any more is told so, and loses nothing that is on the page.
(() => {
  const ask = window.fetch;
  window.fetch = async (...what) => {
    const answer = await ask(...what);
    if (answer.status === 401) answer.clone().text().then(say);
    return answer;
  };
  const say = (sentence) => {
    if (document.getElementById('not-known')) return;
    const bar = document.createElement('p');
    bar.id = 'not-known';
    bar.setAttribute('role', 'alert');
    bar.textContent = sentence;
    document.body.append(bar);
  };
})();
