// Orders that wait for a person: a bot waits, somebody answers on the page.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { isAccessible } from "./checks.mjs";
import { picture } from "./screens.mjs";
import { Stage } from "./stage.mjs";

let stage;
let page;
let bot;

before(async () => {
  stage = await Stage.set();
  const { broker, paddock } = stage;
  await paddock.connect("paper-main", await broker.account());
  const asks = ["--approval-over", "500", "--approval-wait", "60"];
  bot = stage.bot(await paddock.issue("careful", "paper-main", "--preset", "trader", ...asks));
  ({ page } = await stage.owner());
});

after(() => stage?.strike());

const waiting = (words) => page.getByRole("listitem").filter({ hasText: words }).filter({ has: page.getByRole("button", { name: "Approve" }) });

test("a held order shows by itself, and goes when a person says yes", async () => {
  await page.goto("/approvals");
  await page.getByRole("heading", { name: "Nothing waits" }).waitFor();
  const order = bot.buy("AAPL", 10, 100);
  await waiting("buy 10 AAPL").waitFor();
  await page.getByRole("link", { name: /Approvals.*1/ }).waitFor();
  await isAccessible(page);
  await picture(page, "approvals");
  await waiting("buy 10 AAPL").getByRole("textbox").fill("as discussed");
  await waiting("buy 10 AAPL").getByRole("button", { name: "Approve" }).click();
  assert.equal((await order).qty, "10");
  await page.getByRole("row").filter({ hasText: "buy 10 AAPL" }).filter({ hasText: /Approved/i }).waitFor();
});

test("a denied order is not sent, and the bot hears why", async () => {
  await page.goto("/approvals");
  const order = bot.buy("MSFT", 11, 100);
  await waiting("buy 11 MSFT").getByRole("textbox").fill("not today");
  await waiting("buy 11 MSFT").getByRole("button", { name: "Deny" }).click();
  const refused = await order;
  assert.equal(refused.refused, 403);
  assert.match(refused.message, /not today/);
  await page.getByRole("row").filter({ hasText: "buy 11 MSFT" }).filter({ hasText: /Denied/i }).waitFor();
});

test("what was decided can be read afterwards", async () => {
  await page.getByRole("link", { name: /buy 10 AAPL/i }).first().click();
  await page.getByText("as discussed").first().waitFor();
  await isAccessible(page);
});

test("an order for which the bot does not wait is held among the latest requests, not refused", async () => {
  const { broker, paddock } = stage;
  await paddock.connect("paper-two", await broker.account());
  const asks = ["--approval-over", "500", "--approval-wait", "0"];
  const hasty = stage.bot(await paddock.issue("hasty", "paper-two", "--preset", "trader", ...asks));
  assert.equal((await hasty.buy("AAPL", 13, 100)).refused, 403);
  for (const path of ["/", "/keys/hasty", "/activity?show=latest"]) {
    await page.goto(path);
    const row = page.getByRole("row").filter({ hasText: /buy 13 AAPL/i });
    assert.match(await row.locator(".verdict").innerText(), /^held$/i, path);
  }
  await page.goto("/approvals");
  await waiting("buy 13 AAPL").getByRole("button", { name: "Deny" }).click();
  await waiting("buy 13 AAPL").waitFor({ state: "detached" });
});

test("the keyboard answers too", async () => {
  await page.goto("/approvals");
  const order = bot.buy("AAPL", 12, 100);
  await waiting("buy 12 AAPL").waitFor();
  await page.keyboard.press("j");
  await page.keyboard.press("a");
  const asked = page.getByRole("dialog");
  await asked.waitFor();
  assert.match(await asked.innerText(), /buy 12 AAPL/i);
  await page.keyboard.press("Enter");
  assert.equal((await order).qty, "12");
});

test("Enter in the note answers nothing", async () => {
  await page.goto("/approvals");
  const order = bot.buy("AAPL", 14, 100);
  const note = waiting("buy 14 AAPL").getByRole("textbox");
  await note.fill("too risky");
  await note.press("Enter");
  // Had it been a yes, there would be nothing to deny.
  await waiting("buy 14 AAPL").getByRole("button", { name: "Deny" }).click();
  assert.match((await order).message, /too risky/);
});

test("real money is asked about once more, on a page of its own, by mouse and by key", async () => {
  const { broker, paddock } = stage;
  await paddock.connect("real", await broker.account("live"));
  const rich = stage.bot(await paddock.issue("rich", "real", "--preset", "trader", "--approval-over", "500", "--approval-wait", "60"));
  const asks = page.getByRole("heading", { name: "Approve for real money?" });
  await page.goto("/approvals");
  const order = rich.buy("AAPL", 15, 100);
  await waiting("buy 15 AAPL").getByRole("textbox").fill("go on");
  await waiting("buy 15 AAPL").getByRole("button", { name: "Approve" }).click();
  await asks.waitFor();
  await isAccessible(page);
  await page.getByText("go on").waitFor();
  await page.getByRole("link", { name: "Not yet" }).click();
  await waiting("buy 15 AAPL").waitFor();
  await page.keyboard.press("j");
  await page.keyboard.press("a");
  await asks.waitFor();
  await page.getByRole("button", { name: "Approve" }).click();
  assert.equal((await order).qty, "15");
  await page.getByRole("row").filter({ hasText: "buy 15 AAPL" }).filter({ hasText: /Approved/i }).waitFor();
});

test("a sound is made for who wants one, and for nobody else", async () => {
  await page.addInitScript(() => {
    window.beeps = 0;
    const start = OscillatorNode.prototype.start;
    OscillatorNode.prototype.start = function (...when) {
      window.beeps += 1;
      return start.apply(this, when);
    };
  });
  const beeps = () => page.evaluate(() => window.beeps);
  await page.goto("/approvals");
  const sound = page.getByRole("button", { name: "Sound is" });
  assert.equal(await sound.getAttribute("aria-pressed"), "false");
  const quiet = bot.buy("AAPL", 12, 100);
  await waiting("buy 12 AAPL").waitFor();
  assert.equal(await beeps(), 0);
  await sound.click();
  await page.getByRole("button", { name: "Sound is on", exact: true }).waitFor();
  assert.equal(await beeps(), 1);
  await waiting("buy 12 AAPL").getByRole("button", { name: "Deny" }).click();
  assert.equal((await quiet).refused, 403);
  await page.getByRole("button", { name: "Sound is on, from your next click on" }).waitFor();
  const loud = bot.buy("AAPL", 13, 100);
  await waiting("buy 13 AAPL").waitFor();
  assert.equal(await beeps(), 1);
  // A browser is silent on a new page until somebody does something, which is said.
  await page.getByRole("heading", { level: 1 }).click();
  await page.getByRole("button", { name: "Sound is on", exact: true }).waitFor();
  await waiting("buy 13 AAPL").getByRole("button", { name: "Deny" }).click();
  assert.equal((await loud).refused, 403);
});
