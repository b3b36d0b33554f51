// Key pairs are replaced by page, a paper one and a live one: planned, started, made anew in the broker's dashboard, pasted, and proven at a .env file.

import assert from "node:assert/strict";
import { mkdtempSync, mkdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fitsItsWidth, isAccessible } from "./checks.mjs";
import { PHONE, Visitor } from "./browser.mjs";
import { connectLive, prove, secure } from "./person.mjs";
import { picture } from "./screens.mjs";
import { Stage } from "./stage.mjs";
import { code } from "./totp.mjs";

/** Minutes after which a proof counts no more. */
const LONG_AGO = 6;

let stage;
let owner;
let page;
let account;
let place;
let dotenv;
let made;
let live;
let factor;

/** Makes the pair of an account anew as a person does: on the broker's own dashboard, where it is shown once. */
async function regenerate(account) {
  const visitor = await Visitor.arrive(stage.browser, stage.broker[account.environment]);
  const dashboard = visitor.page;
  await dashboard.goto("/dashboard");
  await dashboard.getByText(`Regenerate keys of ${account.number}`).click();
  await dashboard.getByRole("button", { name: "Regenerate keys" }).first().click();
  const secrets = dashboard.getByRole("status").getByRole("code");
  await secrets.first().waitFor();
  const [keyId, secret] = (await secrets.allInnerTexts()).filter((text) => /^[A-Za-z0-9]{18,}$/.test(text));
  await visitor.leave();
  return { keyId, secret };
}

const pairOf = (text) => Object.fromEntries(text.split("\n").filter((line) => line.startsWith("APCA")).map((line) => line.split("=")));

before(async () => {
  place = realpathSync(mkdtempSync(join(tmpdir(), "paddock-bots-")));
  mkdirSync(join(place, "bot"));
  dotenv = join(place, "bot", ".env");
  process.env.PADDOCK_CONFIG = join(place, "config.toml");
  writeFileSync(process.env.PADDOCK_CONFIG, `[rotation]\nallowed_folders = [${JSON.stringify(join(place, "bot"))}]\n`);
  stage = await Stage.set();
  account = await stage.broker.account();
  writeFileSync(dotenv, `# the bot\nAPCA_API_KEY_ID=${account.keyId}\nAPCA_API_SECRET_KEY=${account.secret}\n`);
  await stage.paddock.connect("paper-main", account);
  owner = await stage.owner();
  ({ page } = owner);
});

after(async () => {
  await stage?.strike();
  rmSync(place, { recursive: true, force: true });
});

test("a .env file is added as a consumer and looked at", async () => {
  await page.goto("/connections/paper-main/consumers");
  await isAccessible(page);
  await page.getByRole("link", { name: "Add a consumer" }).click();
  await page.getByRole("heading", { level: 1, name: "Add a consumer" }).waitFor();
  await isAccessible(page);
  await page.getByRole("link", { name: /\.env file/ }).click();
  await page.getByLabel("Name of this consumer").fill("bot-env");
  await page.getByLabel("File").fill(dotenv);
  await isAccessible(page);
  await page.getByRole("button", { name: "Add it" }).click();
  await page.getByRole("heading", { level: 1, name: "bot-env" }).waitFor();
  await page.getByRole("button", { name: "Check now" }).click();
  await page.getByRole("heading", { name: "It can take a new pair" }).waitFor();
  await isAccessible(page);
});

test("a rotation is planned and started, and says where to click", async () => {
  await page.goto("/rotations");
  await isAccessible(page);
  await page.getByRole("link", { name: "Rotate paper-main" }).click();
  await page.getByRole("heading", { level: 1, name: "Rotate the key pair" }).waitFor();
  await isAccessible(page);
  await page.getByRole("button", { name: "Plan it" }).click();
  await page.getByRole("button", { name: "Start the rotation" }).click();
  // Without a reload: the page's parts follow what happens.
  await page.getByText("waiting for the new pair", { exact: true }).first().waitFor();
  await page.getByRole("heading", { name: "Make the new pair" }).waitFor();
  await page.getByText(/choose Regenerate/).waitFor();
  await isAccessible(page);
  await page.setViewportSize(PHONE);
  await fitsItsWidth(page);
  await page.setViewportSize({ width: 1280, height: 900 });
  await picture(page, "rotation");
  await page.goto("/");
  await page.getByRole("heading", { name: "The rotation of paper-main waits for you" }).waitFor();
});

test("the pair is made anew in the broker's dashboard, and pasted", async () => {
  made = await regenerate(account);
  await page.goto("/rotations");
  await page.getByRole("link", { name: "See the rotation of paper-main" }).click();
  // The Secret Key of before is found out, and another pair may be pasted.
  await page.getByLabel("New Key ID").fill(made.keyId);
  await page.getByLabel("New Secret Key").fill(account.secret);
  await page.getByRole("button", { name: "Paste the new pair" }).click();
  await page.getByText(/Secret Key is of an earlier pair/).first().waitFor();
  await page.getByLabel("New Key ID").fill(made.keyId);
  await page.getByLabel("New Secret Key").fill(made.secret);
  await page.getByRole("button", { name: "Paste the new pair" }).click();
  await page.locator("#rotation-state").getByText("done", { exact: true }).first().waitFor();
  const content = await page.content();
  for (const secret of [account.secret, made.secret]) assert.ok(!content.includes(secret), "a secret is on the page");
  await isAccessible(page);
  await picture(page, "rotation-done");
});

test("the .env file has the new pair, and the old one opens nothing", async () => {
  const text = readFileSync(dotenv, "utf8");
  assert.ok(text.startsWith("# the bot\n"), text);
  const now = pairOf(text);
  assert.deepEqual(now, { APCA_API_KEY_ID: made.keyId, APCA_API_SECRET_KEY: made.secret });
  const ask = (keyId, secret) => fetch(`${stage.broker.paper}/v2/account`, { headers: { "apca-api-key-id": keyId, "apca-api-secret-key": secret } });
  assert.equal((await ask(made.keyId, made.secret)).status, 200);
  assert.equal((await ask(account.keyId, account.secret)).status, 401);
  await page.goto("/rotations");
  await page.getByRole("region", { name: "Rotations so far" }).getByText("done").waitFor();
});

/** An instant so many minutes from now, as a page's field for it takes it. */
const at = (minutes) => new Date(Date.now() + 60_000 * minutes).toISOString().slice(0, 16);

async function plan(from, until, ticket) {
  await page.goto("/connections/real/rotate");
  await page.getByLabel("May begin at (UTC)").fill(from);
  await page.getByLabel("Must begin before (UTC)").fill(until);
  await page.getByLabel("Ticket").fill(ticket);
  await page.getByRole("button", { name: "Plan it" }).click();
}

/** Clicks what asks who is there, proves it, and clicks again. */
async function proven(button, periods) {
  const here = page.url().split("?")[0];
  await page.getByRole("button", { name: button }).click();
  await prove(page, code(factor.secret, periods));
  await page.waitForURL((url) => url.href.split("?")[0] === here);
  await page.getByRole("button", { name: button }).click();
}

test("a live pair is planned under a ticket and in a window, and started in it only", async () => {
  factor = await secure(owner);
  live = await stage.broker.account("live");
  await connectLive(page, live, "real");
  await page.getByRole("heading", { level: 1, name: "real" }).waitFor();
  dotenv = join(place, "bot", "live.env");
  writeFileSync(dotenv, `APCA_API_KEY_ID=${live.keyId}\nAPCA_API_SECRET_KEY=${live.secret}\n`);
  await stage.paddock.cli("consumer", "add", "live-env", "--connection", "real", "--kind", "dotenv", "--set", `path=${dotenv}`);
  await plan(at(-1), at(30), "");
  assert.ok(await page.getByLabel("Ticket").evaluate((field) => field.validity.valueMissing), "without a ticket it is not even sent");
  await plan(at(30), at(-1), "OPS-17");
  await page.getByRole("alert").first().waitFor();
  await isAccessible(page);
  await plan(at(60), at(90), "OPS-17");
  await page.getByRole("button", { name: "Start the rotation" }).click();
  await page.getByText(/its window begins at/i).first().waitFor();
  await page.getByLabel("Why").fill("the wrong hour");
  await page.getByRole("button", { name: "Call it off" }).click();
  await page.getByText("called off", { exact: true }).first().waitFor();
});

test("it is started by somebody who has just proven who they are, and open orders are gone on with knowingly", async () => {
  const bot = stage.bot(await stage.paddock.issue("resting", "real", "--preset", "trader"));
  assert.equal((await bot.buy("MSFT", 1, 5)).qty, "1");
  await plan(at(-1), at(30), "OPS-17");
  await page.getByRole("button", { name: "Start the rotation" }).waitFor();
  await stage.paddock.lastProof(LONG_AGO);
  await proven("Start the rotation", 0);
  await page.getByText(/1 orders are open/i).first().waitFor();
  await page.getByText("are held back; cancels and reads pass").waitFor();
  await isAccessible(page);
  await page.getByRole("button", { name: "Go on with open orders" }).click();
  await page.getByRole("heading", { name: "Make the new pair" }).waitFor();
  await page.getByText(/Alpaca asks for your second factor/).waitFor();
  await isAccessible(page);
});

test("another account's pair stops everything, and the right one ends it with a report", async () => {
  const paste = async (keyId, secret) => {
    await page.getByLabel("New Key ID").fill(keyId);
    await page.getByLabel("New Secret Key").fill(secret);
    await page.getByRole("button", { name: "Paste the new pair" }).click();
  };
  const other = await stage.broker.account("live");
  const fresh = await regenerate(live);
  await paste(other.keyId, other.secret);
  await page.getByText(`opens account ${other.number}, not account ${live.number}`).first().waitFor();
  await page.getByText("are held back; cancels and reads pass").waitFor();
  assert.deepEqual(pairOf(readFileSync(dotenv, "utf8")), { APCA_API_KEY_ID: live.keyId, APCA_API_SECRET_KEY: live.secret });
  await isAccessible(page);
  await picture(page, "rotation-other-account");
  await paste(fresh.keyId, fresh.secret);
  await page.locator("#rotation-state").getByText("done", { exact: true }).first().waitFor();
  assert.deepEqual(pairOf(readFileSync(dotenv, "utf8")), { APCA_API_KEY_ID: fresh.keyId, APCA_API_SECRET_KEY: fresh.secret });
  const ask = (keyId, secret) => fetch(`${stage.broker.live}/v2/account`, { headers: { "apca-api-key-id": keyId, "apca-api-secret-key": secret } });
  assert.equal((await ask(fresh.keyId, fresh.secret)).status, 200);
  assert.equal((await ask(live.keyId, live.secret)).status, 401);
  const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "Download the report" }).click()]);
  const report = readFileSync(await file.path(), "utf8");
  for (const told of ["OPS-17", live.number, "Old pair: dead", "anna", "**closed**"]) assert.ok(report.includes(told), `${told} is not in ${report}`);
  for (const secret of [live.secret, fresh.secret, other.secret]) assert.ok(!report.includes(secret), "a secret is in the report");
});
