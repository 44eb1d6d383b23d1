// Which study and as whom is the server's to say: the page of somebody invited names neither.
const begin = element.querySelector('[data-at=read]');
begin.onclick = () => window.dispatchEvent(new CustomEvent('overread-study-open', { detail: { study: '', reader: '' } }));
window.addEventListener('overread-study-left', () => { begin.textContent = _('Continue reading'); begin.focus(); });
