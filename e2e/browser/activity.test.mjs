// What programs did, what the account holds, and the proof that nobody changed the past.

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
  const scope = ["--preset", "trader", "--symbols", "AAPL,MSFT", "--max-notional", "1000"];
  bot = stage.bot(await paddock.issue("momentum", "paper-main", ...scope));
  ({ page } = await stage.owner());
});

after(() => stage?.strike());

const row = (words) => page.getByRole("row").filter({ hasText: words });

test("an order shows on an open page without a reload", async () => {
  await page.goto("/activity");
  await page.getByRole("heading", { name: "Nothing has come through the gateway yet" }).waitFor();
  await page.evaluate(() => { window.isTheSamePage = true; });
  assert.equal((await bot.buy("AAPL", 1)).qty, "1");
  await row("buy 1 AAPL").filter({ hasText: "Permitted" }).waitFor();
  assert.ok(await page.evaluate(() => window.isTheSamePage));
});

test("a refusal shows its reason and the numbers behind it", async () => {
  const refused = await bot.buy("AAPL", 100, 100);
  assert.equal(refused.refused, 403);
  await row("buy 100 AAPL").filter({ hasText: "order_notional_exceeded" }).waitFor();
  assert.ok(await page.evaluate(() => window.isTheSamePage));
  await row("buy 100 AAPL").getByRole("link", { name: /buy 100 AAPL/ }).click();
  await page.getByRole("heading", { level: 1, name: /buy 100 AAPL/i }).waitFor();
  await page.getByText("$10,000").first().waitFor();
  await page.getByRole("region", { name: "In the audit" }).getByRole("listitem").first().waitFor();
});

test("the list is narrowed by a filter, and widened again", async () => {
  await page.goto("/activity");
  await page.getByText("Filter", { exact: true }).click();
  await page.getByLabel("Decision").selectOption("refused");
  await page.getByRole("button", { name: "Show" }).click();
  await row("buy 100 AAPL").waitFor();
  assert.equal(await row("buy 1 AAPL").count(), 0);
  await page.getByRole("link", { name: "Clear" }).click();
  await row("buy 1 AAPL").waitFor();
});

test("the account shows what is held and what is open; an order is canceled and a position closed", async () => {
  assert.equal((await bot.buy("MSFT", 1, 5)).qty, "1");
  await page.goto("/accounts/paper-main");
  const open = page.getByRole("region", { name: "Open orders" });
  await open.getByRole("button", { name: /Cancel buy 1 MSFT/i }).click();
  await page.getByRole("region", { name: "Open orders" }).getByText("No order is open").waitFor();
  await page.getByRole("link", { name: "Close AAPL" }).click();
  await page.getByRole("radio", { name: "All of it" }).check();
  await page.getByRole("button", { name: "Close it" }).click();
  await page.getByRole("region", { name: "Positions" }).getByText("Nothing is held").waitFor();
});

test("the audit is verified from its first record, by a button", async () => {
  await page.goto("/audit");
  await page.getByRole("button", { name: "Verify now" }).click();
  await page.getByText("The chain is whole").waitFor();
  await row("momentum").first().waitFor();
});

test("trading is paused and resumed", async () => {
  await page.goto("/settings");
  await page.getByRole("button", { name: "Pause trading" }).click();
  await page.getByText("Trading paused").waitFor();
  await page.getByRole("button", { name: "Resume trading" }).click();
  await page.getByText("Trading not paused").waitFor();
});
