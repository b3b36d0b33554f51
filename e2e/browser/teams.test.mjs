// Two teams who see nothing of each other, and people who are not shown what they may not do.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { isAccessible } from "./checks.mjs";
import { invite, join } from "./person.mjs";
import { play } from "./scene.mjs";
import { Stage } from "./stage.mjs";

/** What belongs to the first team, and may stand on no page of another one. */
const THEIRS = ["momentum", "careful", "buy 1 AAPL", "buy 1 TSLA", "over the weekend"];
const PLACES = ["/", "/connections", "/keys", "/approvals", "/activity", "/activity?show=latest", "/audit", "/freeze", "/settings", "/settings/people", "/settings/tokens", "/welcome", "/paper-broker"];

let stage;
let scene;
let anna;
let bela;
let bot;

before(async () => {
  stage = await Stage.set();
  scene = await play(stage);
  anna = await stage.owner();
  await stage.paddock.cli("key", "freeze", "dashboard", "--reason", "over the weekend");
});

after(() => stage?.strike());

async function joined(role, team, name) {
  const link = await invite(anna, role, team);
  return join(await stage.visitor(), link, name, "Join");
}

test("an invitation founds a team of its own", async () => {
  bela = await joined("Owner", "guests", "bela");
  await bela.page.goto("/settings/people");
  await bela.page.getByRole("heading", { name: "guests" }).waitFor();
  assert.equal(await bela.page.getByText("anna").count(), 0);
});

test("nothing of the other team stands on any page", async () => {
  for (const place of PLACES) {
    const answer = await bela.page.goto(place);
    assert.equal(answer.status(), 200, place);
    const shown = await bela.page.content();
    for (const word of [...THEIRS, scene.account.number]) assert.ok(!shown.includes(word), `${word} on ${place}`);
  }
});

test("what belongs to the other team is not there, by its own address", async () => {
  const own = [
    "/connections/paper-main",
    "/accounts/paper-main",
    "/accounts/paper-main/equity.json",
    "/keys/momentum",
    "/keys/momentum/edit",
    "/keys/momentum/revoke",
    `/approvals/${scene.approval}`,
    `/activity/${scene.request}`,
    "/settings/people/anna",
  ];
  for (const path of own) {
    // It is there, for whose it is.
    assert.equal((await anna.context.request.get(path)).status(), 200, path);
    assert.equal((await bela.context.request.get(path)).status(), 404, path);
  }
});

test("two connections and two keys of one name are two, and each team's orders show to it alone", async () => {
  const account = await stage.broker.account("paper");
  const { page } = bela;
  await page.goto("/connections/new/paper");
  await page.getByLabel("Key ID").fill(account.keyId);
  await page.getByLabel("Secret Key").fill(account.secret);
  await page.getByLabel("Name of this connection").fill("paper-main");
  await page.getByRole("button", { name: "Validate & save" }).click();
  await page.getByRole("heading", { level: 1, name: "paper-main" }).waitFor();
  await page.getByText(account.number).first().waitFor();
  await page.getByRole("link", { name: "Issue an access key" }).first().click();
  await page.getByLabel("Name", { exact: true }).fill("momentum");
  await page.getByRole("radio", { name: "Trade" }).check();
  await page.getByRole("button", { name: "Preview" }).click();
  await page.getByRole("button", { name: "Issue it" }).click();
  const term = (name) => page.getByRole("term").filter({ hasText: name }).locator("xpath=following-sibling::dd").getByRole("code");
  bot = stage.bot({ keyId: await term("Key ID").innerText(), secret: await term("Secret Key").innerText() });
  await page.goto("/activity");
  await anna.page.goto("/activity");
  assert.equal((await bot.buy("IBM", 3)).qty, "3");
  await page.getByRole("row").filter({ hasText: "buy 3 IBM" }).waitFor();
  assert.equal((await scene.bot.buy("AAPL", 2, 100)).qty, "2");
  await anna.page.getByRole("row").filter({ hasText: "buy 2 AAPL" }).waitFor();
  for (const [visitor, foreign] of [[bela, "buy 2 AAPL"], [anna, "buy 3 IBM"]]) {
    assert.equal(await visitor.page.getByText(foreign).count(), 0, "not by an event");
    await visitor.page.reload();
    assert.equal(await visitor.page.getByText(foreign).count(), 0, "not by a reload");
  }
});

test("a team that freezes everything freezes its own", async () => {
  await bela.page.goto("/freeze");
  await bela.page.getByRole("button", { name: "Freeze everything" }).click();
  await bela.page.getByText("Frozen.").first().waitFor();
  assert.equal((await bot.buy("IBM", 1)).refused, 403);
  assert.equal((await scene.bot.buy("AAPL", 1)).qty, "1");
  await anna.page.goto("/freeze");
  assert.equal(await anna.page.getByText("Everything is frozen").count(), 0);
});

/** Every address that a page of Paddock leads this visitor to, from the places on, and every form that it would send. */
async function offered({ page, context, origin }) {
  const [seen, forms] = [new Set(), new Set()];
  const waiting = [...PLACES, "/connections/paper-main", "/accounts/paper-main", "/keys/momentum", `/approvals/${scene.approval}`, `/activity/${scene.request}`, "/settings/security"];
  while (waiting.length > 0) {
    const path = waiting.pop();
    const [place] = path.split("?");
    // One of each kind is enough.
    if (seen.has(place) || seen.size > 80) continue;
    seen.add(place);
    const answer = await context.request.get(path, { maxRedirects: 0 });
    assert.notEqual(answer.status(), 403, `a link to ${path}, which is refused`);
    if (answer.status() !== 200 || !answer.headers()["content-type"].startsWith("text/html")) continue;
    const found = await page.evaluate((html) => {
      const there = new DOMParser().parseFromString(html, "text/html");
      const links = [...there.querySelectorAll("a[href^='/']")].map((link) => link.getAttribute("href"));
      const forms = [...there.querySelectorAll("form[method=post]")].map((form) => form.getAttribute("action"));
      return { links, forms };
    }, await answer.text());
    found.forms.forEach((action) => forms.add(action.split("#")[0]));
    const ofRows = (link) => /^\/(activity|approvals)\/[0-9a-f-]{36}/.test(link) || link.startsWith("/activity?") || link.startsWith("/audit?");
    waiting.push(...found.links.filter((link) => !ofRows(link) && new URL(link, origin).origin === origin));
  }
  return { seen, forms: [...forms].sort() };
}

test("a viewer sees everything and no button that would be refused", async () => {
  const vera = await joined("Viewer", "", "vera");
  const { seen, forms } = await offered(vera);
  assert.ok(seen.has("/keys/momentum") && seen.has("/accounts/paper-main"));
  const own = [/^\/sign-out$/, /^\/settings\/(sessions|tokens|security|password)/, /^\/audit\/verify$/, /^\/keys\/[^/]+\/try$/];
  for (const action of forms) assert.ok(own.some((pattern) => pattern.test(action)), `a form to ${action}`);
  for (const place of ["/", "/connections", "/keys", "/keys/momentum", "/freeze", "/accounts/paper-main", "/settings", `/approvals/${scene.approval}`]) {
    await vera.page.goto(place);
    await isAccessible(vera.page);
  }
});

test("an operator works, and is offered nothing of an owner's", async () => {
  const oskar = await joined("Operator", "", "oskar");
  const { seen, forms } = await offered(oskar);
  for (const place of ["/keys/new", "/keys/momentum/edit", "/freeze"]) assert.ok(seen.has(place), place);
  assert.ok(forms.includes("/freeze") && forms.includes("/settings/trading/pause"));
  const ofOwners = [/\/rename$/, /\/activate$/, /^\/connections\/[^/]+\/replace$/, /\/remove$/, /trading\/mode$/, /settings\/.*rotate$/, /backup$/, /people/];
  for (const action of forms) assert.ok(!ofOwners.some((pattern) => pattern.test(action)), `a form to ${action}`);
});

test("a viewer who becomes an operator is shown what they may do now", async () => {
  const { page } = anna;
  await page.goto("/settings/people");
  await page.getByRole("link", { name: "Change vera" }).click();
  await isAccessible(page);
  await page.getByRole("radio", { name: "Operator" }).check();
  await page.getByRole("button", { name: "Change the role" }).click();
  await page.getByRole("row").filter({ hasText: "vera" }).filter({ hasText: "operator" }).waitFor();
  const answer = await anna.context.request.get("/settings/people");
  assert.equal(answer.status(), 200);
});
