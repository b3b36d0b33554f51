// The brake is within reach on every page, and what it stops is stopped.

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
  bot = stage.bot(await paddock.issue("momentum", "paper-main", "--preset", "trader"));
  ({ page } = await stage.owner());
});

after(() => stage?.strike());

const brake = () => page.getByRole("banner").getByRole("link", { name: /^(Freeze|Frozen)/ });

test("everything is frozen from any page in two clicks, and the bot is stopped", async () => {
  assert.equal((await bot.buy("AAPL", 1)).qty, "1");
  await page.goto("/keys");
  await brake().click();
  await isAccessible(page);
  await page.getByRole("button", { name: "Freeze everything" }).click();
  await page.getByText("Everything is frozen").first().waitFor();
  const refused = await bot.buy("AAPL", 1);
  assert.equal(refused.refused, 403);
  assert.match(refused.message, /frozen/);
  await isAccessible(page);
  await picture(page, "freeze");
});

test("every page says that everything is frozen", async () => {
  for (const path of ["/", "/keys", "/connections"]) {
    await page.goto(path);
    await page.getByText("Everything is frozen").first().waitFor();
    assert.match(await page.title(), /^Frozen: /);
  }
});

test("cancels pass while it is frozen", async () => {
  assert.equal((await bot.cancelAll()).canceled, 0);
});

test("unfrozen, the bot goes on", async () => {
  await page.goto("/freeze");
  await page.getByRole("button", { name: "Unfreeze Everything" }).click();
  await page.getByText("Everything is frozen").first().waitFor({ state: "detached" });
  assert.equal((await bot.buy("AAPL", 1)).qty, "1");
});

test("one connection is frozen with what may pass and what is done, and the reason is kept", async () => {
  await page.goto("/freeze");
  const what = page.getByLabel("What", { exact: true });
  const options = await what.getByRole("option").allTextContents();
  await what.selectOption({ label: options.find((option) => option.includes("paper-main")) });
  await page.getByRole("checkbox", { name: /^Reads/ }).check();
  await page.getByLabel(/^Why/).fill("over the weekend");
  await page.getByRole("button", { name: "Freeze", exact: true }).click();
  await page.getByText("over the weekend").first().waitFor();
  assert.ok((await bot.account()).number, "reads pass");
  assert.equal((await bot.buy("AAPL", 1)).refused, 403);
  await page.getByRole("button", { name: /Unfreeze .*paper-main/ }).click();
  await page.getByText("over the weekend").first().waitFor({ state: "detached" });
});

test("a frozen key stops its bot, and the audit says who froze which key, and why", async () => {
  await page.goto("/keys/momentum");
  await page.getByRole("main").getByRole("link", { name: "Freeze", exact: true }).click();
  const dialog = page.getByRole("dialog", { name: "Freeze momentum" });
  await dialog.getByRole("textbox").fill("buys too much");
  await dialog.getByRole("button", { name: "Freeze it" }).click();
  await page.getByText("buys too much").first().waitFor();
  assert.equal((await bot.buy("AAPL", 1)).refused, 403);
  await page.goto("/audit");
  await page.getByText("Filter", { exact: true }).click();
  await page.getByLabel("What", { exact: true }).selectOption({ label: "Frozen" });
  await page.getByRole("button", { name: "Show" }).click();
  const record = page.getByRole("row").filter({ hasText: /froze the access key momentum: buys too much/i });
  await record.filter({ hasText: "anna" }).waitFor();
  await page.getByRole("button", { name: "Verify now" }).click();
  await page.getByText("The chain is whole").waitFor();
  await page.goto("/audit?event=request_refused");
  await page.getByRole("row").filter({ hasText: "momentum" }).getByRole("link").first().click();
  await page.getByRole("heading", { name: /place an order/i }).waitFor();
  await page.getByText(/frozen/i).first().waitFor();
});

test("for real money the freeze holds at once, and positions are closed after a second page", async () => {
  const { broker, paddock } = stage;
  await paddock.connect("real", await broker.account("live"));
  const rich = stage.bot(await paddock.issue("rich", "real", "--preset", "trader"));
  assert.equal((await rich.buy("AAPL", 1)).qty, "1");
  await page.goto("/freeze?what=connection&name=real");
  await page.getByRole("radio", { name: "Cancel orders and close positions" }).check();
  await page.getByRole("button", { name: "Freeze", exact: true }).click();
  await page.getByRole("heading", { name: "Close positions for real money?" }).waitFor();
  await page.getByText("1 AAPL, long").waitFor();
  assert.equal((await rich.buy("AAPL", 1)).refused, 403);
  await isAccessible(page);
  await page.getByLabel("Type the connection's name").fill("real");
  await page.getByRole("button", { name: "Cancel orders and close positions" }).click();
  await page.getByText("Close AAPL").first().waitFor();
});
