// What is shown once is made once: a double click sends its form one time, and what it made is there to be read.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Stage } from "./stage.mjs";

let stage;
let page;

before(async () => {
  stage = await Stage.set();
  await stage.paddock.connect("paper-main", await stage.broker.account());
  ({ page } = await stage.owner());
});

after(() => stage?.strike());

/** Clicks twice before an answer can come; how often the form was sent. */
async function twice(path, button) {
  let sent = 0;
  let answer;
  const clicked = new Promise((resolve) => { answer = resolve; });
  await page.route(`**${path}`, async (route) => {
    sent += 1;
    await clicked;
    // Without the guard the first is given up for the second.
    await route.continue().catch(() => {});
  });
  await page.getByRole("button", { name: button }).dblclick({ noWaitAfter: true });
  answer();
  return async (made) => {
    await made.waitFor();
    await page.unroute(`**${path}`);
    assert.equal(sent, 1);
  };
}

test("an access key", async () => {
  await page.goto("/keys/new?connection=paper-main");
  await page.getByLabel("Name", { exact: true }).fill("once");
  await page.getByRole("button", { name: "Preview" }).click();
  const shown = await twice("/keys/new", "Issue it");
  await shown(page.getByRole("heading", { name: "once is issued" }));
  const term = (name) => page.getByRole("term").filter({ hasText: name }).locator("xpath=following-sibling::dd").getByRole("code");
  const bot = stage.bot({ keyId: await term("Key ID").innerText(), secret: await term("Secret Key").innerText() });
  assert.ok((await bot.account()).number);
});

test("an API token", async () => {
  await page.goto("/settings/tokens/new");
  await page.getByLabel("Name", { exact: true }).fill("once");
  const shown = await twice("/settings/tokens/new", "Make the token");
  await shown(page.getByText(/^pdk_/).first());
});

test("an invitation", async () => {
  await page.goto("/settings/people/invite");
  const shown = await twice("/settings/people/invite", "Make the link");
  await shown(page.getByRole("heading", { name: "Pass this link on" }));
  await page.goto("/settings/people");
  assert.equal(await page.getByRole("link", { name: /^Withdraw/ }).count(), 1);
});

test("a second factor", async () => {
  await page.goto("/settings/security/second-factor");
  const shown = await twice("/settings/security/second-factor", "Show the secret");
  await shown(page.locator("#factor-secret"));
  assert.equal((await page.locator("#factor-secret").innerText()).length, 32);
});
