// The whole of the main journey in a browser that runs no script.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { enter } from "./person.mjs";
import { Stage } from "./stage.mjs";

let stage;
let page;
let account;
let bot;

before(async () => {
  stage = await Stage.set();
  account = await stage.broker.account();
  ({ page } = await stage.owner({ javaScriptEnabled: false }));
});

after(() => stage?.strike());

test("the first page leads to an account that is connected", async () => {
  await page.getByRole("heading", { level: 1, name: "Welcome to Paddock" }).waitFor();
  await page.getByText("0 of 3 done").waitFor();
  await page.getByRole("link", { name: "Connect a paper account" }).click();
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

test("a key is frozen with a reason, and goes on", async () => {
  await page.goto("/keys/aapl-bot");
  await page.getByRole("main").getByRole("link", { name: "Freeze", exact: true }).click();
  await page.getByLabel("Reason").fill("it looks odd");
  await page.getByRole("button", { name: "Freeze it" }).click();
  await page.getByText("it looks odd").first().waitFor();
  assert.equal((await bot.account()).refused, 403);
  await page.getByRole("link", { name: "Unfreeze" }).click();
  await page.getByRole("button", { name: "Unfreeze" }).click();
  await page.getByRole("link", { name: "Revoke" }).waitFor();
  assert.equal((await bot.account()).number, account.number);
});

test("an order waits for a yes, and gets it", async () => {
  const careful = stage.bot(await stage.paddock.issue("careful", "paper-main", "--preset", "trader", "--approval-over", "always", "--approval-wait", "60"));
  const order = careful.buy("MSFT", 1);
  const waits = page.getByRole("listitem").filter({ hasText: "buy 1 MSFT" });
  // Without a script a page is as of when it was loaded.
  for (let look = 0; look < 50 && (await waits.count()) === 0; look += 1) await page.goto("/approvals");
  await waits.getByRole("button", { name: "Approve" }).click();
  assert.equal((await order).qty, "1");
});

test("the form says what it comes to when it is previewed, and what was typed can be changed", async () => {
  await page.goto("/keys/aapl-bot");
  await page.getByRole("link", { name: "Edit", exact: true }).click();
  await page.getByLabel("Dollars an order").fill("100");
  await page.getByRole("button", { name: "Review the change" }).click();
  await page.getByRole("region", { name: "No longer allowed" }).getByRole("listitem").first().waitFor();
  await page.getByRole("button", { name: "Change something" }).click();
  assert.equal(await page.getByLabel("Dollars an order").inputValue(), "100");
  await page.getByRole("button", { name: "Review the change" }).click();
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page.getByRole("heading", { level: 1, name: "aapl-bot" }).waitFor();
  assert.match((await bot.buy("AAPL", 1)).message, /at most \$100/);
});

test("everything is stopped, and goes on", async () => {
  await page.goto("/freeze");
  await page.getByRole("button", { name: "Freeze everything" }).click();
  await page.getByText("Everything is frozen").first().waitFor();
  assert.equal((await bot.account()).refused, 403);
  await page.goto("/freeze");
  await page.getByRole("button", { name: "Unfreeze Everything" }).click();
  assert.equal((await bot.account()).number, account.number);
});

test("what an account is worth stands in a table", async () => {
  await page.goto("/accounts/paper-main");
  await page.getByRole("region", { name: "Positions" }).getByRole("row").filter({ hasText: "AAPL" }).waitFor();
  await page.locator(".chart noscript").waitFor();
});

test("the audit is verified", async () => {
  await page.goto("/audit");
  await page.getByRole("button", { name: "Verify now" }).click();
  await page.getByText("The chain is whole").waitFor();
});

test("who signs out comes back in", async () => {
  await page.getByRole("banner").getByText("anna", { exact: true }).click();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  await enter({ page }, "anna");
  await page.getByRole("navigation", { name: "Places" }).waitFor();
});
