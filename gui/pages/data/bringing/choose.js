// A folder of this computer: the system's own window where there is one, else a list of what may be read.
let listed = null, takes = () => {}, foldersOnly = false;

async function chooseFolder(take, only = false) {
  takes = take;
  foldersOnly = only;
  at('waiting').hidden = false;
  const answer = await ask('choose', {}, 'path');
  at('waiting').hidden = true;
  if (!answer) return;
  if (answer.folder) take(answer.folder);
  else if (!answer.desktop) openList();
}

async function openList() {
  if (!at('list').open) at('list').showModal();
  await list(listed?.here ?? '');
}

async function list(folder) {
  complain('list', '');
  const answer = await ask('entries', { folder });
  if (!answer) return complain('list', words('folder unlisted'));
  listed = answer;
  at('here').textContent = answer.here || words('start here');
  element.querySelector('[data-do=up]').disabled = answer.up === null;
  element.querySelector('[data-do=take]').disabled = !answer.here;
  const files = foldersOnly ? [] : answer.files;
  const row = (kind, entry, act) => {
    const button = make('button', kind, entry.name), item = make('li');
    button.type = 'button';
    button.dir = 'auto';
    button.onclick = () => act(entry.path);
    item.append(button);
    return item;
  };
  at('entries').replaceChildren(
    ...answer.folders.map((entry) => row('br-folder', entry, list)),
    ...files.map((entry) => row('', entry, chosen)),
    ...(answer.more ? [make('li', 'br-hint', words('and more, type', { number: answer.more }))] : []),
    ...(answer.folders.length + files.length ? [] : [make('li', 'br-hint', words('nothing to choose'))]),
  );
}

function chosen(path) {
  at('list').close();
  takes(path);
}

const takeAsPath = (path) => {
  at('path').value = path;
  look({ typed: path }, 'path');
};
does.choose = () => chooseFolder(takeAsPath);
does.list = () => { openList(); ask('close', {}); };
does.up = () => list(listed.up);
does.take = () => chosen(listed.here);
does['list-close'] = () => at('list').close();
