// Keys for those who do not reach for the mouse: `g` and a letter goes to a place, `?` shows which. A link with `data-key`
// is such a place. Nothing happens while somebody types.

const PATIENCE = 1200;
const KEYS = "paddock.keys";

/** Whether keys of one letter do anything: who dictates, or rests a hand on the keyboard, turns them off. */
export function keysAreOn() {
  try { return localStorage.getItem(KEYS) !== "off"; } catch { return true; }
}

function offerSwitch(help) {
  const tick = help.querySelector("input[name=keys]");
  const opener = document.getElementById("keys");
  tick.checked = keysAreOn();
  tick.addEventListener("change", () => {
    try { localStorage.setItem(KEYS, tick.checked ? "on" : "off"); } catch { /* Then they stay on. */ }
  });
  opener.hidden = false;
  opener.addEventListener("click", () => help.showModal());
}

let waiting = 0;

function isTyping(target) {
  return target instanceof Element && target.closest("input:not([type=checkbox], [type=radio]), select, textarea, [contenteditable], dialog") !== null;
}

export function listenToKeys() {
  const help = document.getElementById("keyboard");
  if (help) offerSwitch(help);
  document.addEventListener("keydown", (event) => {
    if (!keysAreOn() || event.ctrlKey || event.metaKey || event.altKey || event.isComposing || isTyping(event.target)) return;
    if (event.key === "?" && help) {
      event.preventDefault();
      help.showModal();
      return;
    }
    if (event.key === "g") {
      waiting = Date.now();
      return;
    }
    if (Date.now() - waiting > PATIENCE) return;
    waiting = 0;
    const place = [...document.querySelectorAll("a[data-key]")].find((link) => link.dataset.key === event.key);
    if (place) {
      event.preventDefault();
      place.click();
    }
  });
  // Menus close as people expect of menus.
  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });
}
