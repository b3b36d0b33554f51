// A key pair is replaced by page: planned, started, made anew in the broker's dashboard, pasted, and proven at a .env file.

import assert from "node:assert/strict";
import { mkdtempSync, mkdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fitsItsWidth, isAccessible } from "./checks.mjs";
import { PHONE, Visitor } from "./browser.mjs";
import { picture } from "./screens.mjs";
import { Stage } from "./stage.mjs";

let stage;
let page;
let account;
let place;
let dotenv;
let made;

/** Makes the pair anew as a person does: on the broker's own dashboard, where it is shown once. */
async function regenerate() {
  const visitor = await Visitor.arrive(stage.browser, stage.broker.paper);
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
  ({ page } = await stage.owner());
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
  made = await regenerate();
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
