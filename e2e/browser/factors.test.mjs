// The second factor: turned on, asked for at the door and again for what cannot be taken back, and what stands in for it.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { isAccessible } from "./checks.mjs";
import { connectLive, enter, prove, secure, signOut } from "./person.mjs";
import { picture } from "./screens.mjs";
import { Stage } from "./stage.mjs";
import { code, roomInThePeriod } from "./totp.mjs";

/** Minutes after which a proof counts no more. */
const LONG_AGO = 6;

let stage;
let owner;
let page;
let secret;
let recovery;
let live;

before(async () => {
  stage = await Stage.set();
  live = await stage.broker.account("live");
  owner = await stage.owner();
  ({ page } = owner);
});

after(() => stage?.strike());

test("real money asks for a second factor before anything is typed", async () => {
  await page.goto("/connections/new/live");
  await page.getByRole("heading", { name: "First, a second factor" }).waitFor();
  assert.equal(await page.getByLabel("Secret Key").count(), 0);
  await isAccessible(page);
  await page.getByRole("link", { name: "Turn it on" }).click();
  await page.getByRole("heading", { level: 1, name: "Your sign-in" }).waitFor();
  await isAccessible(page);
});

test("it is turned on with an app's code, and not with a wrong one", async () => {
  await page.getByRole("main").getByRole("link", { name: "Turn on" }).click();
  await page.getByRole("button", { name: "Show the secret" }).click();
  await page.getByRole("img", { name: /secret|app|scan/i }).first().waitFor();
  secret = await page.locator("#factor-secret").innerText();
  await isAccessible(page);
  await page.getByLabel("Six-digit code").fill("000000");
  await page.getByRole("button", { name: "Turn on" }).click();
  await page.getByRole("alert").first().waitFor();
  assert.ok(!(await page.content()).includes(secret), "the secret is shown once");
  await isAccessible(page);
  // What an app showed up to half a minute ago is taken too; each code once.
  await roomInThePeriod();
  await page.getByLabel("Six-digit code").fill(code(secret, -1));
  await page.getByRole("button", { name: "Turn on" }).click();
  await page.getByRole("heading", { name: "Your recovery codes" }).waitFor();
});

test("recovery codes are shown once, and can be kept as a file", async () => {
  recovery = (await page.getByRole("main").getByRole("listitem").allInnerTexts()).map((text) => text.trim());
  assert.equal(recovery.length, 10);
  await isAccessible(page);
  const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "Download" }).click()]);
  const kept = readFileSync(await file.path(), "utf8");
  for (const one of recovery) assert.ok(kept.includes(one));
  await page.getByRole("link", { name: "I have kept them" }).click();
  await page.getByText("10 of 10").waitFor();
  await assert.rejects(page.goBack(), /ERR_CACHE_MISS/, "the browser has no copy of them");
  await page.waitForURL("chrome-error://**");
});

test("a password alone does not let in", async () => {
  await page.goto("/");
  await signOut(owner, "anna");
  await enter(owner, "anna");
  await page.getByRole("heading", { name: "Second step" }).waitFor();
  await isAccessible(page);
  await page.goto("/");
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
});

test("the app's code lets in, a wrong one does not", async () => {
  await enter(owner, "anna");
  await page.getByLabel("Six-digit code").fill("123456");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("alert").first().waitFor();
  await isAccessible(page);
  await page.getByLabel("Six-digit code").fill(code(secret));
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("navigation", { name: "Places" }).waitFor();
});

test("a recovery code stands in for the app, once", async () => {
  const elsewhere = await stage.visitor();
  const other = elsewhere.page;
  const tryWith = async (typed) => {
    await other.goto("/sign-in");
    await enter(elsewhere, "anna");
    await other.getByLabel("Six-digit code").fill(typed);
    await other.getByRole("button", { name: "Sign in" }).click();
  };
  await tryWith(recovery[0]);
  await other.getByText("A recovery code stood in for your app").waitFor();
  await other.getByText("9 of 10").waitFor();
  await signOut(elsewhere, "anna");
  await tryWith(recovery[0]);
  await other.getByRole("alert").first().waitFor();
  assert.match(other.url(), /sign-in/);
});

test("unfreezing asks who is there, and leads back", async () => {
  await page.goto("/freeze");
  await page.getByRole("button", { name: "Freeze everything" }).click();
  await page.getByText("Everything is frozen").first().waitFor();
  await stage.paddock.lastProof(LONG_AGO);
  await page.getByRole("button", { name: "Unfreeze Everything" }).click();
  await page.getByRole("heading", { name: "Confirm that it is you" }).waitFor();
  await isAccessible(page);
  await prove(page, "000000");
  await page.getByRole("alert").first().waitFor();
  await prove(page, code(secret, 1));
  await page.waitForURL("**/freeze?done=confirmed");
  await page.getByText("Nothing else was done yet").waitFor();
  await isAccessible(page);
  await page.getByRole("button", { name: "Unfreeze Everything" }).click();
  await page.getByText("It goes on").waitFor();
});

test("real money is connected with five statements and a signature, and not with four", async () => {
  await page.goto("/connections/new/live");
  await page.getByText("Real money").first().waitFor();
  await page.getByRole("heading", { name: "What changes from paper to live" }).waitFor();
  assert.equal(await page.getByRole("group", { name: "Statements" }).getByRole("checkbox").count(), 5);
  await isAccessible(page);
  await connectLive(page, live, "real", 4);
  await page.getByRole("alert").first().waitFor();
  await isAccessible(page);
  assert.deepEqual(await stage.paddock.cli("connection", "list"), []);
  await connectLive(page, live, "real");
  await page.getByRole("heading", { level: 1, name: "real" }).waitFor();
  await page.getByRole("complementary").filter({ hasText: "Real money" }).waitFor();
  await isAccessible(page);
});

test("what was signed is kept to download, with its date and its hash", async () => {
  const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "Download the copy" }).click()]);
  const copy = readFileSync(await file.path(), "utf8");
  assert.match(copy, /Anna Owner/);
  assert.match(copy, new RegExp(live.number));
  assert.match(copy, new RegExp(new Date().getUTCFullYear()));
  assert.match(copy, /[0-9a-f]{64}/);
});

test("a key for real money asks who is there first, says so all the way, and works", async () => {
  await stage.paddock.lastProof(LONG_AGO);
  await page.goto("/keys/new?connection=real");
  await prove(page, recovery[1]);
  await page.waitForURL("**/keys/new?connection=real");
  await page.getByLabel("Name", { exact: true }).fill("real-bot");
  await page.getByRole("radio", { name: "Trade" }).check();
  await page.getByLabel("Dollars an order").fill("1000");
  await page.getByRole("button", { name: "Preview" }).click();
  await isAccessible(page);
  await picture(page, "key-preview-live");
  await page.getByRole("button", { name: "Issue it for real money" }).click();
  await page.getByRole("heading", { name: "real-bot is issued" }).waitFor();
  const term = (name) => page.getByRole("term").filter({ hasText: name }).locator("xpath=following-sibling::dd").getByRole("code");
  const bot = stage.bot({ keyId: await term("Key ID").innerText(), secret: await term("Secret Key").innerText() });
  assert.equal((await bot.account()).number, live.number);
  assert.equal((await bot.buy("AAPL", 1)).qty, "1");
});

test("an order of real money is canceled by the connection's name only", async () => {
  const bot = stage.bot(await stage.paddock.issue("resting", "real", "--preset", "trader"));
  assert.equal((await bot.buy("MSFT", 1, 5)).qty, "1");
  await page.goto("/accounts/real");
  await page.getByRole("region", { name: "Open orders" }).getByRole("link", { name: /Cancel buy 1 MSFT/i }).click();
  await isAccessible(page);
  await page.getByLabel("Type the connection's name").fill("not-it");
  await page.getByRole("button", { name: "Cancel the order" }).click();
  await page.getByRole("alert").first().waitFor();
  await page.getByLabel("Type the connection's name").fill("real");
  await page.getByRole("button", { name: "Cancel the order" }).click();
  await page.getByRole("region", { name: "Open orders" }).getByText("No order is open").waitFor();
});
