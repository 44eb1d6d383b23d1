// What is dropped or chosen is sent file by file, so that folders stay the tree they are.
const AT_ONCE = 6;
const MOST_TOLD = 1000;     // files left out that are named one by one: what is asked of the server is bounded
const GO_ON = [400, 409];   // said of one file; anything else ends the batch
let sending = null;         // the batch under way: { batch, requests, cancelled }

const hidden = (path) => path.split('/').some((name) => name.startsWith('.'));   // the engine does not see these either

async function readAll(entry, path, found) {
  if (entry.isFile) {
    found.push({ path, file: await new Promise((resolve, reject) => entry.file(resolve, reject)) });
    return;
  }
  const reader = entry.createReader();
  for (;;) {   // a hundred entries at a time
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) return;
    for (const one of some) await readAll(one, `${path}/${one.name}`, found);
  }
}

async function sendDropped(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);   // before any await
  const found = [];
  showBusy(words('dropped'), null);
  try {
    for (const entry of entries) await readAll(entry, entry.name, found);
  } catch (error) {
    refuse('sent', words('browser refused', { why: error.message }));
    return;
  }
  await send(found);
}

const sendChosen = (input) => {
  const found = [...input.files].map((file) => ({ path: file.webkitRelativePath || file.name, file }));
  input.value = '';
  return send(found);
};

async function send(found) {
  const files = found.filter(({ path }) => !hidden(path));
  const size = files.reduce((sum, { file }) => sum + file.size, 0);
  const tops = [...new Set(files.map(({ path }) => path.split('/')[0]))];
  showBusy(words('sending'), 0);
  const begun = await ask('begin', { tops, files: files.length, size }, 'sent');
  if (!begun) return;
  root().dataset.stage = 'sending';
  at('proposal').hidden = true;
  const mine = sending = { batch: begun.batch, requests: new Set(), cancelled: false, problem: '' };
  const waiting = [...files].reverse(), leftOut = [];
  const progress = { files: 0, bytes: 0 };
  const told = () => showBusy(words('sending'), size ? progress.bytes / size : 1,
    words('sent so far', { files: amount(progress.files), all: amount(files.length), size: megabytes(progress.bytes), whole: megabytes(size) }));
  const worker = async () => {
    while (waiting.length && !mine.cancelled && !mine.problem) {
      const { path, file } = waiting.pop();
      let sent = 0;
      const { status, text } = await put(`${begun.address}?path=${encodeURIComponent(begun.prefix + path)}`, file, mine, (bytes) => {
        progress.bytes += bytes - sent;
        sent = bytes;
        told();
      });
      progress.bytes += file.size - sent;
      progress.files += 1;
      if (GO_ON.includes(status)) leftOut.push(text);
      else if (status !== 204) mine.problem ||= text || words('cut off');
      told();
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  sending = null;
  if (mine.cancelled || mine.problem) {
    await ask('discard', { batch: mine.batch });
    if (mine.problem && !mine.cancelled) refuse('sent', mine.problem); else await does.cancel();
    return;
  }
  at('path').value = '';
  const more = leftOut.splice(MOST_TOLD).length;
  if (more) leftOut.push(words('left out, more', { number: amount(more) }));
  await look({ batch: mine.batch, leftOut }, 'sent');
}

const megabytes = (bytes) => bytes < 1e9
  ? words('megabytes', { number: numeral(bytes / 1e6, 1) }) : words('gigabytes', { number: numeral(bytes / 1e9, 2) });

// XMLHttpRequest because fetch does not say how far a file has been sent.
function put(address, file, batch, progress) {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    batch.requests.add(request);
    request.open('PUT', address);
    request.setRequestHeader('Content-Type', 'application/octet-stream');
    request.upload.onprogress = (event) => progress(event.loaded);
    request.onloadend = () => { batch.requests.delete(request); resolve({ status: request.status, text: request.responseText }); };
    request.send(file);
  });
}

// Returns whether something was being sent.
async function stopSending() {
  if (!sending) return false;
  sending.cancelled = true;
  for (const request of sending.requests) request.abort();
  return true;
}

does.files = () => at('files').click();
does.folder = () => at('folder').click();
at('files').onchange = (event) => sendChosen(event.target);
at('folder').onchange = (event) => sendChosen(event.target);

// A file dropped beside the field would replace the page: while this page is shown, all of it takes drops.
const takesDrops = (event) => element.isConnected && element.offsetParent !== null && event.dataTransfer?.types.includes('Files');
document.addEventListener('dragover', (event) => {
  if (!takesDrops(event)) return;
  event.preventDefault();
  at('drop').dataset.over = '';
});
document.addEventListener('dragleave', (event) => { if (!event.relatedTarget) delete at('drop').dataset.over; });
document.addEventListener('drop', (event) => {
  if (!takesDrops(event)) return;
  event.preventDefault();
  delete at('drop').dataset.over;
  if (at('busy').hidden) sendDropped(event.dataTransfer);
});
