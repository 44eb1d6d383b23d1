// What is wrong with a field is said below it, wherever the page says so: <span data-said-at="ID" data-said="…">. A field that
// an error is about, by its id or by its “label”, is in sight: what it is folded away in opens, once for each error.
(() => {
  const MARK = '[data-said-at]', ERROR = '.or-note.or-serious';
  const folded = new Set();   // accordions that are still to open, the outer before the inner
  let last = '';

  // Gradio draws what is folded away when it is first opened: until then only the configuration knows of it.
  function* fieldsBelow(place, above = []) {
    const way = [...above, place.id];
    if (!place.children?.length) yield way;
    for (const child of place.children ?? []) yield* fieldsBelow(child, way);
  }

  function accordionsOf(error) {
    const parts = new Map(window.gradio_config.components.map((one) => [one.id, one])), page = error.closest('[role=tabpanel][id^=page-]')?.id;
    const said = error.textContent.replace(/[\u2066-\u2069]/g, ''), ids = [...error.querySelectorAll(MARK)].map((one) => one.dataset.saidAt);
    const means = ({ elem_id: id, label }) => ids.includes(id) || (label && ['“”', '«»', '”“', '””'].some(([before, after]) => said.includes(before + label + after)));
    const found = [...fieldsBelow(window.gradio_config.layout)].map((way) => way.map((id) => parts.get(id)).filter(Boolean))
      .filter((way) => way.length && means(way.at(-1).props) && (!page || way.some((one) => one.props.elem_id === page)))
      .map((way) => way.filter((one) => one.type === 'accordion').map((one) => one.props.elem_id));
    return found.every((way) => way.length) ? found.flat() : [];   // one of that name is in sight
  }

  // A button that stands there may not hear a click yet: it is clicked until it does, the outer one first.
  function unfold(until) {
    const buttons = [...folded].map((id) => [id, document.querySelector(`#${id} > button.label-wrap`)]);
    for (const [id, button] of buttons) if (button?.classList.contains('open')) folded.delete(id);
    buttons.find(([id, button]) => button && folded.has(id))?.[1].click();
    if (performance.now() > until) folded.clear();
    if (folded.size) setTimeout(unfold, 50, until);
  }

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

  const within = (node, wanted) => (node.nodeType !== 1 ? [] : [...(node.matches(wanted) ? [node] : []), ...node.querySelectorAll(wanted)]);
  // Gradio makes an error of a note that stands there, by its class and words, as often as it puts up a new one: a note that
  // says something else meanwhile may come to the same error again.
  const spoken = new WeakMap();
  const isNew = (note) => {
    const said = note.matches(ERROR) ? note.textContent : null, before = spoken.get(note);
    spoken.set(note, said);
    return said !== null && said !== before;
  };
  const around = ({ target }) => (target.nodeType === 1 ? target : target.parentElement)?.closest('.or-note') ?? [];
  new MutationObserver((changes) => {
    const added = changes.flatMap((change) => [...change.addedNodes]);
    const errors = [...changes.flatMap(around), ...added.flatMap((node) => within(node, ERROR))].filter(isNew);
    const toOpen = errors.flatMap(accordionsOf), idle = !folded.size;
    for (const id of toOpen) folded.add(id);
    if (idle && folded.size) unfold(performance.now() + 20000);
    if (last !== '' && last !== '[]') return void sayThem();
    if (errors.length || added.some((node) => within(node, MARK).length)) sayThem();
  }).observe(document, { childList: true, subtree: true, characterData: true, attributeFilter: ['class'] });
})();
