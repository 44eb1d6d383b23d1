// Who has signed in, and the way out: plain forms, so that nothing of a page is needed for them.
(() => {
  const prefix = document.currentScript.dataset.prefix;
  const way = (path, title) => {
    const form = document.createElement('form'), button = document.createElement('button');
    form.method = 'post';
    form.action = prefix + path;
    button.textContent = title;
    form.append(button);
    return form;
  };
  const show = (who) => {
    const bar = document.createElement('nav'), name = document.createElement('span');
    bar.id = 'signed-in';
    bar.setAttribute('aria-label', _('Account'));
    const roles = { administrator: _('administrator'), adjudicator: _('adjudicator'), reader: ngettext('reader', 'readers', 1), guest: _('guest') };
    name.textContent = `${who.name} (${roles[who.role] ?? who.role})`;
    name.dir = 'auto';
    bar.append(name, way('/logout', _('Sign out')), way('/logout-everywhere', _('Sign out everywhere')));
    document.body.prepend(bar);
  };
  const ask = () => fetch(prefix + '/who').then((answer) => (answer.ok ? answer.json().then(show) : null)).catch(() => {});
  if (document.body) ask();
  else document.addEventListener('DOMContentLoaded', ask);
})();
