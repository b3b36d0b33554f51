// Keeps the page up to date. Without this file the page is the same, as of when it was loaded.
//
// The server sends each request as the row that it would put into the page itself (`request`), and says when
// something else is out of date (`state`). Then the page is fetched once more and its changed parts are exchanged, so
// that how things look is written down in one place: the server's templates.

const ROWS = 30;
const BETWEEN_REFRESHES = 1000;
const AGO_EVERY = 10_000;

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const dayAndClock = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", year: "numeric" });

/** The same words as the server's `ago`. */
function ago(at) {
  const seconds = Math.floor((Date.now() - at) / 1000);
  if (seconds < 10) return "just now";
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
  if (seconds < 172_800) return "yesterday";
  if (seconds < 2_592_000) return `${Math.floor(seconds / 86_400)} days ago`;
  return day.format(at);
}

/** Times in the visitor's zone; UTC stays in the title. */
function tellTimes(root) {
  for (const time of root.querySelectorAll("time[data-as]")) {
    const at = new Date(time.dateTime);
    if (time.dataset.as === "ago") {
      time.textContent = ago(at);
    } else {
      time.textContent = Math.abs(Date.now() - at) < 43_200_000 ? clock.format(at) : dayAndClock.format(at);
    }
  }
}

/** A button beside each command that copies it. */
function offerCopies(root) {
  if (!navigator.clipboard) return;
  for (const command of root.querySelectorAll("pre.command:not(:has(button))")) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "Copy";
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(command.querySelector("code").textContent);
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = "Copy"; }, 1500);
    });
    command.append(button);
  }
}

function dress(root) {
  tellTimes(root);
  offerCopies(root);
}

// --- exchanging what changed -----------------------------------------------------------------------------------------

/** What the server last sent for each part, before times were told in the visitor's zone. */
const sent = new Map();
let lastRefresh = 0;
let due = null;
let fetching = false;

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
    const answer = await fetch("/", { cache: "no-store" });
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    // Another version of Paddock: its page wants its own script.
    const script = (root) => root.querySelector("script[src]")?.getAttribute("src");
    if (script(page) !== script(document)) return location.reload();
    for (const part of page.querySelectorAll("[data-part]")) {
      const here = document.getElementById(part.id);
      if (!here || sent.get(part.id) === part.innerHTML) continue;
      sent.set(part.id, part.innerHTML);
      if (sameNewestRow(here, part)) continue;
      here.replaceChildren(...document.importNode(part, true).childNodes);
      dress(here);
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

// --- what happens ----------------------------------------------------------------------------------------------------

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

const link = document.getElementById("link");

function showLink(state, text) {
  link.hidden = false;
  link.className = `link ${state}`;
  link.textContent = text;
}

function listen() {
  const events = new EventSource("/events");
  let lost = false;
  events.addEventListener("open", () => {
    showLink("on", "Updates by itself");
    // What happened meanwhile was not told.
    if (lost) refreshSoon();
    lost = false;
  });
  events.addEventListener("request", (event) => showRequest(event.data));
  events.addEventListener("state", refreshSoon);
  events.addEventListener("error", () => {
    lost = true;
    showLink("off", "Not connected, trying again");
    if (events.readyState === EventSource.CLOSED) setTimeout(listen, 3000);
  });
  addEventListener("pagehide", () => events.close(), { once: true });
}

rememberParts(document);
dress(document);
document.querySelector(".zone").textContent = `Times are in ${Intl.DateTimeFormat().resolvedOptions().timeZone}; hover for UTC.`;
setInterval(() => { if (!document.hidden) tellTimes(document); }, AGO_EVERY);
document.addEventListener("visibilitychange", () => { if (!document.hidden) refreshSoon(); });
addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
listen();
