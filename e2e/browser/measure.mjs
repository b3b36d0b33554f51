// What Chromium says of a first visit of each page: `node measure.mjs ORIGIN PATH...`, signed in by the cookie in `PADDOCK_TEST_COOKIE`.
// Prints a JSON list. Each visit is in a profile that has seen nothing.

import { Visitor, openBrowser } from "./browser.mjs";
import { bundleIsSmall, loadedCalmly } from "./checks.mjs";

const VISITS = 5;

const [origin, ...paths] = process.argv.slice(2);
const [name, value] = process.env.PADDOCK_TEST_COOKIE.split("=");

function middle(values) {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)];
}

const browser = await openBrowser();
const found = [];
for (const path of paths) {
  const visits = [];
  for (let visit = 0; visit < VISITS; visit += 1) {
    const visitor = await Visitor.arrive(browser, origin);
    await visitor.context.addCookies([{ name, value, url: origin }]);
    await visitor.page.goto(path);
    visits.push({ ...(await loadedCalmly(visitor.page)), bytes: await bundleIsSmall(visitor.page) });
    await visitor.leave();
  }
  const of = (measure) => middle(visits.map((visit) => visit[measure]));
  found.push({ path, paint: of("paint"), shift: Math.max(...visits.map(({ shift }) => shift)), bytes: of("bytes") });
}
await browser.close();
console.log(JSON.stringify(found));
