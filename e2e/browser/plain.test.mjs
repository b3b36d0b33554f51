// The whole of the main journey in a browser that runs no script.

import assert from "node:assert/strict";
import { after, before, test as always } from "node:test";
import { Stage } from "./stage.mjs";

const stage = await Stage.set();
// A Paddock that has no such pages yet is not judged by them.
const test = (await stage.has("/freeze")) ? always : always.skip;
let page;
let account;
let bot;

before(async () => {
  account = await stage.broker.account();
  ({ page } = await stage.owner({ javaScriptEnabled: false }));
});

after(() => stage.strike());

test("an account is connected", async () => {
  await page.goto("/connections/new/paper");
  await page.getByLabel("Key ID").fill(account.keyId);
  await page.getByLabel("Secret Key").fill(account.secret);
  await page.getByLabel("Name of this connection").fill("paper-main");
  await page.getByRole("button", { name: "Validate & save" }).click();
  await page.getByRole("heading", { level: 1, name: "paper-main" }).waitFor();
});

test("a bot gets its key", async () => {
  await page.getByRole("link", { name: "Issue an access key" }).first().click();
  await page.getByLabel("Name", { exact: true }).fill("aapl-bot");
  await page.getByRole("radio", { name: "Trade" }).check();
  await page.getByLabel(/^Symbols/).fill("AAPL");
  await page.getByLabel("Dollars an order").fill("1000");
  await page.getByRole("button", { name: "Preview" }).click();
  await page.getByText(/AAPL only, at most \$1,000 an order/).first().waitFor();
  await page.getByRole("button", { name: "Issue it" }).click();
  const term = (name) => page.getByRole("term").filter({ hasText: name }).locator("xpath=following-sibling::dd").getByRole("code");
  bot = stage.bot({ keyId: await term("Key ID").innerText(), secret: await term("Secret Key").innerText() });
  assert.equal((await bot.buy("AAPL", 1)).qty, "1");
  assert.equal((await bot.buy("MSFT", 1)).refused, 403);
});

test("what it did can be read", async () => {
  await page.goto("/activity");
  await page.getByRole("row").filter({ hasText: "buy 1 AAPL" }).filter({ hasText: "Permitted" }).waitFor();
  await page.getByRole("row").filter({ hasText: "buy 1 MSFT" }).filter({ hasText: "may not trade MSFT" }).waitFor();
});

test("it is stopped, and goes on", async () => {
  await page.goto("/freeze");
  await page.getByRole("button", { name: "Freeze everything" }).click();
  await page.getByText("Everything is frozen").first().waitFor();
  assert.equal((await bot.account()).refused, 403);
  await page.goto("/freeze");
  await page.getByRole("button", { name: "Unfreeze Everything" }).click();
  assert.equal((await bot.account()).number, account.number);
});

test("the audit is verified", async () => {
  await page.goto("/audit");
  await page.getByRole("button", { name: "Verify now" }).click();
  await page.getByText("The chain is whole").waitFor();
});
