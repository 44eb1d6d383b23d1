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
