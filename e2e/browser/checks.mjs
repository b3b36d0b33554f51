// What must hold on every page, whatever it is about.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const STANDARD = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/** How much of a page may move while it loads. Chromium calls 0.1 good. */
const MOST_SHIFT = 0.05;
const LARGEST_BUNDLE = 150_000;

/** A devtools session in a world of its own: the page's policy does not hold there, and the page sees nothing of it. */
async function apart(page, act) {
  const session = await page.context().newCDPSession(page);
  try {
    const { frameTree } = await session.send("Page.getFrameTree");
    const { executionContextId } = await session.send("Page.createIsolatedWorld", { frameId: frameTree.frame.id });
    const evaluate = async (expression) => {
      const options = { contextId: executionContextId, expression, awaitPromise: true, returnByValue: true };
      const { result, exceptionDetails } = await session.send("Runtime.evaluate", options);
      assert.equal(exceptionDetails, undefined, exceptionDetails?.exception?.description);
      return result.value;
    };
    return await act(evaluate);
  } finally {
    await session.detach();
  }
}

/** What axe finds wrong, in words. */
async function violations(page, options) {
  const found = await apart(page, async (evaluate) => {
    await evaluate(`${AXE}; undefined`);
    return evaluate(`axe.run(document, ${JSON.stringify({ ...options, resultTypes: ["violations"] })}).then(({ violations }) => violations.map(({ id, help, nodes }) =>
      id + ": " + help + nodes.map((node) => "\\n    " + node.html.slice(0, 200) + "\\n      " + node.any.concat(node.all).map((check) => check.message).join("; ")).join("")))`);
  });
  assert.deepEqual(found, [], `\n  ${found.join("\n  ")}`);
}

/** WCAG 2.2 AA, as far as a program can tell. */
export function isAccessible(page) {
  return violations(page, { runOnly: { type: "tag", values: STANDARD }, rules: { "target-size": { enabled: true } } });
}

/** The same of colours alone: nothing else differs between light and dark. */
export function hasColoursApart(page) {
  return violations(page, { runOnly: { type: "rule", values: ["color-contrast"] } });
}

/** Nothing is wider than the window, so nobody has to push the page sideways. */
export async function fitsItsWidth(page) {
  const tooWide = await page.evaluate(() => {
    const room = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= room) return [];
    const wide = [...document.body.querySelectorAll("*")].filter((element) => element.getBoundingClientRect().right > room + 0.5);
    return [`the page is ${document.documentElement.scrollWidth} wide in ${room}`, ...wide.slice(0, 8).map((element) => element.outerHTML.slice(0, 120))];
  });
  assert.deepEqual(tooWide, [], `\n  ${tooWide.join("\n  ")}`);
}

/** Nothing moved while it came. How soon it came is told, and not judged: here it depends on what else the machine does. */
export async function loadedCalmly(page) {
  const { shift, paint } = await page.evaluate(() => new Promise((resolve) => {
    let shift = 0;
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) if (!entry.hadRecentInput) shift += entry.value;
    }).observe({ type: "layout-shift", buffered: true });
    // What moved before is told by the time that the first paint is.
    new PerformanceObserver((list) => {
      const [first] = list.getEntriesByName("first-contentful-paint");
      if (first) requestAnimationFrame(() => setTimeout(() => resolve({ shift, paint: first.startTime })));
    }).observe({ type: "paint", buffered: true });
  }));
  assert.ok(shift < MOST_SHIFT, `layout shift ${shift.toFixed(3)}`);
  return { shift, paint };
}

/** All that a first visit loads besides the page, as it comes over the wire, is small. */
export async function bundleIsSmall(page) {
  const bytes = await page.evaluate(() => performance.getEntriesByType("resource").reduce((sum, entry) => sum + entry.encodedBodySize, 0));
  assert.ok(bytes < LARGEST_BUNDLE, `${bytes} bytes of scripts, styles and pictures`);
  return bytes;
}

/** The heading, the title and the language are there, and the title says which page it is. */
export async function saysWhatItIs(page) {
  const { title, headings } = await page.evaluate(() => ({
    title: document.title,
    headings: [...document.querySelectorAll("h1")].map((heading) => heading.textContent.trim()),
  }));
  assert.equal(headings.length, 1, `h1 ${JSON.stringify(headings)}`);
  assert.match(title, /Paddock/);
}

/** Who walks a page by the Tab key sees where they are, and comes to everything in the order of the page. */
export async function isWalkedByKeyboard(page) {
  const stops = [];
  await page.evaluate(() => { document.activeElement?.blur(); window.firstStop = window.lastStop = undefined; window.scrollTo(0, 0); });
  for (let step = 0; step < 200; step += 1) {
    await page.keyboard.press("Tab");
    const stop = await page.evaluate(() => {
      const here = document.activeElement;
      if (!here || here === document.body) return null;
      // Round again: the end was passed, or a live part was exchanged under the focus.
      if (window.firstStop === here) return null;
      window.firstStop ??= here;
      // A live page may exchange what stood before, so each stop is held against the one before it.
      const before = window.lastStop;
      window.lastStop = here;
      const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(here);
      const box = here.getBoundingClientRect();
      return {
        follows: !before?.isConnected || before === here || (before.compareDocumentPosition(here) & Node.DOCUMENT_POSITION_FOLLOWING) !== 0,
        what: here.outerHTML.slice(0, 140),
        // The browser itself marks the part of a time that is being typed.
        marked: here.matches("input[type=time], input[type=date], input[type=datetime-local]") || (outlineStyle !== "none" && parseFloat(outlineWidth) >= 1) || boxShadow !== "none",
        inView: box.bottom > 0 && box.right > 0 && box.top < innerHeight && box.left < innerWidth && box.width > 0 && box.height > 0,
      };
    });
    if (stop === null) break;
    stops.push(stop);
  }
  assert.ok(stops.length > 0, `nothing can be reached`);
  assert.ok(stops.length < 200, `the keyboard does not come out again`);
  for (const { what, marked, inView, follows } of stops) {
    assert.ok(marked, `no focus is seen on ${what}`);
    assert.ok(inView, `out of sight with the focus on it: ${what}`);
    assert.ok(follows, `out of the page's order: ${what}`);
  }
  return stops;
}
