// Connecting an account: what is wrong with a pair is said with the next step, and only one that works is stored.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { isAccessible } from "./checks.mjs";
import { picture } from "./screens.mjs";
import { Stage } from "./stage.mjs";

let stage;
let page;
let first;
let second;
let live;

before(async () => {
  stage = await Stage.set();
  [first, second, live] = [await stage.broker.account(), await stage.broker.account(), await stage.broker.account("live")];
  ({ page } = await stage.owner());
});

after(() => stage?.strike());

async function submit(keyId, secret, name) {
  await page.goto("/connections/new/paper");
  await page.getByLabel("Key ID").fill(keyId);
  await page.getByLabel("Secret Key").fill(secret);
  await page.getByLabel("Name of this connection").fill(name);
  await page.getByRole("button", { name: "Validate & save" }).click();
}

/** It was refused in these words; nothing is stored, what was typed is there but for what is secret. */
async function refused(words, name, ...secrets) {
  for (const word of words) await page.getByText(word).first().waitFor();
  assert.equal(await page.getByLabel("Name of this connection").inputValue(), name);
  assert.equal(await page.getByLabel("Secret Key").inputValue(), "");
  const content = await page.content();
  for (const secret of secrets) assert.ok(!content.includes(secret), "a secret is on the page");
}

test("paper or live is chosen first, and the page says how to get a pair", async () => {
  await page.goto("/connections");
  await page.getByRole("link", { name: "Connect an account" }).first().click();
  await page.getByRole("heading", { name: "Connect an account" }).waitFor();
  await isAccessible(page);
  await page.getByText("a broker on this machine in the place of Alpaca").waitFor();
  await page.getByRole("link", { name: /Simulated money/ }).click();
  await page.getByRole("heading", { name: "Where the pair is" }).waitFor();
  await page.getByRole("heading", { name: "Never enable these" }).waitFor();
  await isAccessible(page);
});

const WRONG = [
  { what: "swapped fields", pair: () => [first.secret, first.keyId], says: ["Key ID and Secret Key swapped", "swap the two fields"] },
  { what: "the Key ID twice", pair: () => [first.keyId, first.keyId], says: ["Secret Key missing", "generate a new pair"] },
  { what: "halves of two pairs", pair: () => [first.keyId, second.secret], says: ["Invalid Alpaca credentials", "copy both"] },
  { what: "a pair of the other environment", pair: () => [live.keyId, live.secret], says: ["Paper mode mismatch", "connect it as live"] },
  { what: "a pair of Alpaca's own, which is unknown to what stands in for it", pair: () => ["PKQ7ZK3M2TWNS5HJ4XCV", "q".repeat(40)], says: ["Invalid Alpaca credentials", "in the place of Alpaca", "paddock serve"] },
  { what: "something else altogether", pair: () => ["hello", first.secret], says: ["Not a Key ID"] },
];

for (const { what, pair, says } of WRONG) {
  test(`${what} is told`, async () => {
    const [keyId, secret] = pair();
    await submit(keyId, secret, "main");
    await refused(says.map((words) => new RegExp(words, "i")), "main", first.secret, second.secret, live.secret);
    await isAccessible(page);
    assert.deepEqual(await stage.paddock.cli("connection", "list"), []);
  });
}

test("a refused pair, seen", () => picture(page, "connect-refused"));

test("slips of the hand are mended, and that is said", async () => {
  await submit(`  ${first.keyId} `, ` "${first.secret}"`, "main");
  await page.waitForURL("**/connections/main*");
  await page.getByText(/quotation marks/).waitFor();
  await page.getByText(first.number).first().waitFor();
  assert.ok(!(await page.content()).includes(first.secret));
  await isAccessible(page);
});

test("the same account a second time is not connected twice", async () => {
  await submit(first.keyId, first.secret, "again");
  await refused([/already/i], "again", first.secret);
});

test("a pair that was taken away at Alpaca opens nothing, and a check says so", async () => {
  await stage.broker.revoke(second);
  await submit(second.keyId, second.secret, "second");
  await refused([/Invalid Alpaca credentials/], "second", second.secret);
  await stage.broker.revoke(first);
  await page.goto("/connections/main");
  await page.getByRole("button", { name: "Check again" }).click();
  await page.getByText(/Invalid Alpaca credentials|does not accept|revoked/).first().waitFor();
});

test("Alpaca cannot be reached", async () => {
  await stage.broker.goDown();
  await submit(live.keyId, live.secret, "later");
  await refused([/Alpaca unreachable/i, /check the network/i], "later", live.secret);
  await stage.broker.comeBack();
});

test("a connection is renamed, and removed by its name", async () => {
  await page.goto("/connections/main");
  await page.getByLabel("Name of this connection").fill("old-paper");
  await page.getByRole("button", { name: "Rename" }).click();
  await page.getByRole("heading", { level: 1, name: "old-paper" }).waitFor();
  await page.getByRole("link", { name: "Remove this connection" }).click();
  await isAccessible(page);
  await page.getByLabel("Type the connection's name to remove it").fill("main");
  await page.getByRole("button", { name: "Remove this connection" }).click();
  await page.getByRole("alert").first().waitFor();
  await page.getByLabel("Type the connection's name to remove it").fill("old-paper");
  await page.getByRole("button", { name: "Remove this connection" }).click();
  await page.getByText("No account is connected yet").waitFor();
});
