// An access key from its form to its end, with a bot that uses it.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { isAccessible } from "./checks.mjs";
import { PASSWORD } from "./person.mjs";
import { picture } from "./screens.mjs";
import { Stage } from "./stage.mjs";

let stage;
let page;
let account;
let bot;
let secret;

before(async () => {
  stage = await Stage.set();
  account = await stage.broker.account();
  await stage.paddock.connect("paper-main", account);
  ({ page } = await stage.owner());
});

after(() => stage?.strike());

test("the form reads back as a sentence while it is filled in", async () => {
  await page.goto("/keys/new?connection=paper-main");
  await page.getByLabel("Name", { exact: true }).fill("aapl-bot");
  await page.getByRole("radio", { name: "Trade" }).check();
  await page.getByLabel(/^Symbols/).fill("AAPL");
  await page.getByLabel("Dollars an order").fill("1000");
  await page.getByLabel("Dollars a day").fill("5000");
  const says = page.getByRole("complementary", { name: "What it comes to" });
  await says.getByText(/AAPL only/).waitFor();
  await says.getByText(/at most \$1,000 an order and \$5,000 a day/).waitFor();
  await isAccessible(page);
  await page.evaluate(() => window.scrollTo(0, 0));
  await picture(page, "keys-new");
});

test("what cannot be is told at its field, and what was typed stays", async () => {
  await page.getByLabel("Dollars an order").fill("a lot");
  await page.getByRole("button", { name: "Preview" }).click();
  const field = page.getByLabel("Dollars an order");
  await page.locator("[aria-invalid=true]").first().waitFor();
  assert.equal(await field.inputValue(), "a lot");
  assert.equal(await page.getByLabel(/^Symbols/).inputValue(), "AAPL");
  await isAccessible(page);
  await field.fill("1000");
});

test("it is shown before it is issued, and its secret once", async () => {
  await page.getByRole("button", { name: "Preview" }).click();
  await page.getByRole("heading", { name: "Issue aapl-bot?" }).waitFor();
  await isAccessible(page);
  await page.getByRole("button", { name: "Issue it" }).click();
  await page.getByRole("heading", { name: "aapl-bot is issued" }).waitFor();
  const term = (name) => page.getByRole("term").filter({ hasText: name }).locator("xpath=following-sibling::dd").getByRole("code");
  const keyId = await term("Key ID").innerText();
  secret = await term("Secret Key").innerText();
  assert.match(keyId, /^PDK/);
  assert.ok((await page.getByRole("button", { name: /Copy/ }).count()) >= 3);
  await isAccessible(page);
  await picture(page, "keys-issued");
  await page.getByRole("button", { name: "I have copied it" }).click();
  await page.getByRole("heading", { level: 1, name: "aapl-bot" }).waitFor();
  assert.ok(!(await page.content()).includes(secret));
  await assert.rejects(page.goBack(), /ERR_CACHE_MISS/, "the browser has no copy of it");
  await page.waitForURL("chrome-error://**");
  bot = stage.bot({ keyId, secret });
  assert.equal((await bot.account()).number, account.number);
});

test("an order is tried against it without being sent", async () => {
  await page.goto("/keys/aapl-bot");
  await page.getByLabel("Amount").fill("100");
  await page.getByLabel("Symbol", { exact: true }).fill("AAPL");
  await page.getByRole("button", { name: "Try it" }).click();
  await page.getByText(/at most \$1,000/).last().waitFor();
  await page.getByText("order_notional_exceeded").first().waitFor();
  await isAccessible(page);
});

test("what the bot does shows on the key's page by itself", async () => {
  await bot.buy("AAPL", 1);
  await page.getByRole("row").filter({ hasText: "buy 1 AAPL market" }).filter({ hasText: "Permitted" }).waitFor();
  const refused = await bot.buy("TSLA", 1);
  assert.equal(refused.refused, 403);
  await page.getByRole("row").filter({ hasText: "buy 1 TSLA market" }).filter({ hasText: "may not trade TSLA" }).waitFor();
});

test("a narrower scope is shown as a difference before it is saved, and then holds", async () => {
  await page.getByRole("link", { name: "Edit", exact: true }).click();
  await page.getByLabel("Dollars an order").fill("100");
  await page.getByRole("button", { name: "Review the change" }).click();
  await page.getByRole("region", { name: "No longer allowed" }).getByRole("listitem").first().waitFor();
  assert.equal(await page.getByRole("region", { name: "Newly allowed" }).getByRole("listitem").count(), 0);
  await isAccessible(page);
  await picture(page, "keys-review");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page.getByRole("heading", { level: 1, name: "aapl-bot" }).waitFor();
  const refused = await bot.buy("AAPL", 1);
  assert.match(refused.message, /at most \$100/);
});

test("a wider scope asks who is there, and what was typed is still there then", async () => {
  await stage.paddock.lastProof(6);
  await page.getByRole("link", { name: "Edit", exact: true }).click();
  await page.getByLabel(/^Symbols/).fill("AAPL, MSFT");
  await page.getByRole("button", { name: "Review the change" }).click();
  const wider = page.getByRole("region", { name: "Newly allowed" }).getByRole("listitem");
  await wider.filter({ hasText: "MSFT" }).waitFor();
  assert.equal(await page.getByRole("region", { name: "No longer allowed" }).getByRole("listitem").count(), 0);
  await page.getByRole("button", { name: "Save, and allow more" }).click();
  await page.getByRole("alert").filter({ hasText: "Confirm that it is you" }).waitFor();
  await isAccessible(page);
  assert.equal((await bot.buy("MSFT", 1, 50)).refused, 403, "nothing is widened yet");
  const [tab] = await Promise.all([page.waitForEvent("popup"), page.getByRole("link", { name: "Confirm in another tab" }).click()]);
  await tab.getByLabel("Your password").fill(PASSWORD);
  await tab.getByRole("button", { name: "Confirm" }).click();
  await tab.getByRole("heading", { level: 1, name: "Overview" }).waitFor();
  await tab.close();
  await page.getByRole("button", { name: "Save, and allow more" }).click();
  await page.getByRole("heading", { level: 1, name: "aapl-bot" }).waitFor();
  assert.equal((await bot.buy("MSFT", 1, 50)).qty, "1");
});

test("frozen it passes nothing but cancels, until it is unfrozen", async () => {
  await page.goto("/keys/aapl-bot");
  await page.getByRole("link", { name: "Freeze", exact: true }).last().click();
  await page.getByLabel("Reason").fill("it looks odd");
  await page.getByRole("button", { name: "Freeze it" }).click();
  await page.getByText("it looks odd").first().waitFor();
  assert.equal((await bot.account()).refused, 403);
  assert.equal((await bot.cancelAll()).canceled, 0);
  await isAccessible(page);
  await page.getByRole("link", { name: "Unfreeze" }).click();
  await page.getByRole("button", { name: "Unfreeze" }).click();
  await page.getByRole("link", { name: "Revoke" }).waitFor();
  assert.equal((await bot.account()).number, account.number);
});

test("revoked it opens nothing any more", async () => {
  await page.getByRole("link", { name: "Revoke" }).click();
  await page.getByLabel("Type the key’s name to confirm").fill("aapl-bot");
  await isAccessible(page);
  await page.getByRole("button", { name: "Revoke for good" }).click();
  await page.getByText(/Revoked keys \(1\)/).waitFor();
  assert.equal((await bot.account()).refused, 401);
});
