// What every page runs. All of it is convenience: each page works without.

import htmx from "htmx.org";

import { watchApprovals } from "./approvals.js";
import { drawCharts } from "./charts.js";
import { offerCopies } from "./copy.js";
import { listenToKeys } from "./keyboard.js";
import { keepUpToDate } from "./live.js";
import { tellTimes, tellZone } from "./times.js";

const AGO_EVERY = 10_000;

/** How long a form waits for its answer before it may be sent again. */
const AGAIN_AFTER = 10_000;

// Nothing that the Content-Security-Policy forbids, nothing from elsewhere, and no copies of pages in the browser's storage.
Object.assign(htmx.config, {
  allowEval: false,
  allowScriptTags: false,
  historyCacheSize: 0,
  historyEnabled: false,
  includeIndicatorStyles: false,
  inlineScriptNonce: "",
  inlineStyleNonce: "",
  refreshOnHistoryMiss: true,
  selfRequestsOnly: true,
  // A form that was refused is shown with what is wrong.
  responseHandling: [
    { code: "204", swap: false },
    { code: "[23]..", swap: true },
    { code: "422", swap: true },
    { code: "[45]..", swap: false, error: true },
  ],
});

/** What every new piece of a page goes through. */
function dress(root) {
  tellTimes(root);
  offerCopies(root);
  drawCharts(root);
}

dress(document);
tellZone();
// Where there is no room for all places, the one that this page is at is in sight.
for (const here of document.querySelectorAll(":is(.places ul, .tabs) a[aria-current]")) {
  const strip = here.closest("ul, nav");
  strip.scrollLeft += here.getBoundingClientRect().left - strip.getBoundingClientRect().left - (strip.clientWidth - here.offsetWidth) / 2;
}
htmx.onLoad(dress);
keepUpToDate((root) => {
  dress(root);
  htmx.process(root);
});
listenToKeys();
watchApprovals();
setInterval(() => { if (!document.hidden) tellTimes(document); }, AGO_EVERY);

// A form that changes something is sent once: while its answer is under way another press does nothing. What may take some seconds at the
// broker says so on its button. An answer that is a file leaves the page where it is, and one may never come: then it may be sent again.
const underWay = new WeakSet();
addEventListener("submit", (event) => {
  const { target: form, submitter: button } = event;
  if (event.defaultPrevented || (button?.formMethod || form.method) !== "post") return;
  if (underWay.has(form)) {
    event.preventDefault();
    return;
  }
  underWay.add(form);
  setTimeout(() => {
    button?.setAttribute("aria-disabled", "true");
    if (button?.dataset.busy) button.textContent = button.dataset.busy;
  });
  if (button?.dataset.busy) return;
  setTimeout(() => {
    underWay.delete(form);
    button?.removeAttribute("aria-disabled");
  }, AGAIN_AFTER);
});
addEventListener("click", (event) => {
  if (event.target instanceof Element && event.target.closest("button[aria-disabled=true]")) event.preventDefault();
}, true);
addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
