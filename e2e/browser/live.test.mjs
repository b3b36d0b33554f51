// What happens shows by itself: on an open page, without a reload, and in the same words to the program.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Stage } from "./stage.mjs";

let stage;
let page;
let bot;

before(async () => {
  stage = await Stage.set();
  const { broker, paddock } = stage;
  await paddock.connect("paper-main", await broker.account());
  bot = stage.bot(await paddock.issue("momentum", "paper-main", "--preset", "trader", "--symbols", "AAPL", "--max-notional", "1000"));
  ({ page } = await stage.owner());
  await page.goto("/");
  // Gone after a reload.
  await page.evaluate(() => { window.isTheSamePage = true; });
});

after(() => stage?.strike());

const isTheSamePage = () => page.evaluate(() => window.isTheSamePage === true);
const row = (words) => page.getByRole("row").filter({ hasText: words });

test("an order that a bot places is there at once", async () => {
  const order = await bot.buy("AAPL", 1);
  assert.equal(order.qty, "1", JSON.stringify(order));
  await row("buy 1 AAPL market").filter({ hasText: "Permitted" }).waitFor();
  assert.ok(await isTheSamePage());
});

test("a refused order says why, to the bot and on the page alike", async () => {
  const refused = await bot.buy("MSFT", 1);
  assert.equal(refused.refused, 403);
  const shown = row("buy 1 MSFT market");
  await shown.filter({ hasText: "Refused" }).waitFor();
  const reason = "this access key may not trade MSFT: its scope allows AAPL";
  assert.ok(refused.message.includes(reason), refused.message);
  assert.ok((await shown.innerText()).toLowerCase().includes(reason.toLowerCase()), await shown.innerText());
  assert.ok(await isTheSamePage());
});

test("a freeze from elsewhere shows on the open page, and its end too", async () => {
  await stage.paddock.cli("freeze", "--reason", "the market is mad");
  await page.getByText("Everything is frozen").waitFor();
  await page.getByText("the market is mad").waitFor();
  await stage.paddock.cli("unfreeze");
  await page.getByText("Everything is frozen").waitFor({ state: "detached" });
  assert.ok(await isTheSamePage());
});
