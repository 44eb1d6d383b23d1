// The menu of languages: what was chosen is kept as a cookie, and the page comes again at the same address.
for (const menu of (typeof element === 'undefined' ? document : element).querySelectorAll('.or-language select')) {
  for (const one of menu.options) one.textContent = new Intl.DisplayNames([one.lang], { type: 'language' }).of(one.lang);
  menu.onchange = () => {
    document.cookie = `overread_language=${menu.value}; Path=/; Max-Age=315360000; SameSite=Lax`;
    location.replace(location.href);   // not reload(): after a wrong password that would send it once more
  };
  menu.onkeydown = (event) => event.stopPropagation();   // letters choose a language, and are no verdict
}
