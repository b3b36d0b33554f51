// Keeps the page up to date. Without this file the page is the same, as of when it was loaded.
//
// The server sends each request as the row that it would put into the page itself (`request`), and says when
// something else is out of date (`state`). Then the page is fetched once more and its changed parts are exchanged, so
// that how things look is written down in one place: the server's templates. A part is an element with `data-part` and an id;
// `hold.js` sees to whoever is at work in one.

import { carry, isHeld, whenLetGo } from "./hold.js";

const ROWS = 30;
const BETWEEN_REFRESHES = 1000;

/** What the server last sent for each part, before times were told in the visitor's zone. */
const sent = new Map();
let lastRefresh = 0;
let due = null;
let fetching = false;
let dress = () => {};

function rememberParts(page) {
  for (const part of page.querySelectorAll("[data-part]")) sent.set(part.id, part.innerHTML);
}

/** Whether rows that were shown as they came are all there is: exchanging them would cut their highlight short. */
function sameNewestRow(here, there) {
  const newest = (part) => part.querySelector("#rows > tr")?.id;
  return newest(here) !== undefined && newest(here) === newest(there);
}


async function refresh() {
  due = null;
  // Whoever comes back to the page gets a refresh then.
  if (document.hidden) return;
  if (fetching) return refreshSoon();
  fetching = true;
  lastRefresh = Date.now();
  try {
    const answer = await fetch(location.pathname + location.search, { cache: "no-store", redirect: "manual" });
    // The page is gone, or asks for a proof: the visitor finds out with the next click, and loses nothing until then.
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    // Another version of Paddock: its page wants its own script.
    const script = (root) => root.querySelector("script[src]")?.getAttribute("src");
    if (script(page) !== script(document)) return document.querySelector("form.form") ? undefined : location.reload();
    for (const part of page.querySelectorAll("[data-part]")) {
      const here = document.getElementById(part.id);
      if (!here || sent.get(part.id) === part.innerHTML) continue;
      if (isHeld(here)) {
        whenLetGo(refreshSoon);
        continue;
      }
      sent.set(part.id, part.innerHTML);
      if (sameNewestRow(here, part)) continue;
      carry(here, () => {
        here.replaceChildren(...document.importNode(part, true).childNodes);
        dress(here);
      });
      here.dispatchEvent(new CustomEvent("paddock:part", { bubbles: true }));
    }
  } catch {
    // Not reachable: the event source says so, and comes back by itself.
  } finally {
    fetching = false;
  }
}

/** Soon, but not more often than once in a while, however much happens. */
function refreshSoon() {
  if (due !== null) return;
  due = setTimeout(refresh, Math.max(50, lastRefresh + BETWEEN_REFRESHES - Date.now()));
}

function showRequest(html) {
  const rows = document.getElementById("rows");
  if (rows) {
    const template = document.createElement("template");
    template.innerHTML = html;
    const row = template.content.querySelector("tr");
    if (row && !document.getElementById(row.id)) {
      row.classList.add("new");
      dress(row);
      rows.prepend(row);
      while (rows.rows.length > ROWS) rows.deleteRow(-1);
    }
  }
  // Usage, totals and the audit chain moved with it.
  refreshSoon();
}

function showLink(state, text) {
  const link = document.getElementById("link");
  if (!link) return;
  link.hidden = state === "on" && !link.hasAttribute("data-always");
  link.className = `link ${state}`;
  link.textContent = text;
}

/** Whether nobody is signed in here any more, as the event source does not tell. */
async function isSignedOut() {
  try {
    const answer = await fetch("/events", { cache: "no-store" });
    await answer.body?.cancel();
    return answer.status === 401;
  } catch {
    return false;
  }
}

async function listenAgain() {
  if (!await isSignedOut()) return setTimeout(listen, 3000);
  showLink("off", "Signed out: what you see is old. ");
  const again = document.createElement("a");
  again.href = location.href;
  again.textContent = "Sign in again";
  document.getElementById("link")?.append(again);
}

function listen() {
  const events = new EventSource("/events");
  // Between the page and the first event it is the same as after an interruption, where something may have changed.
  let lost = document.querySelector("main [data-part]") !== null;
  events.addEventListener("open", () => {
    showLink("on", "Live");
    // What happened meanwhile was not told.
    if (lost) refreshSoon();
    lost = false;
  });
  events.addEventListener("request", (event) => showRequest(event.data));
  events.addEventListener("state", refreshSoon);
  events.addEventListener("error", () => {
    lost = true;
    showLink("off", "Not connected, trying again");
    if (events.readyState === EventSource.CLOSED) listenAgain();
  });
  addEventListener("pagehide", () => events.close(), { once: true });
}

/** Begins, on pages that have a part. `dressing` is what every new piece of the page goes through. */
export function keepUpToDate(dressing) {
  dress = dressing;
  if (!document.querySelector("[data-part]")) return;
  rememberParts(document);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) refreshSoon(); });
  addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
  listen();
}
