// The broker that is built in: where it is told, and an account of it that a person opens and connects.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { fitsItsWidth, isAccessible } from "./checks.mjs";
import { PHONE, Visitor } from "./browser.mjs";
import { picture } from "./screens.mjs";
import { Stage } from "./stage.mjs";

let stage;
let page;
let dashboard;
let pair;

before(async () => {
  stage = await Stage.set();
  ({ page } = await stage.owner());
});

after(() => stage?.strike());

test("the page leads to both dashboards", async () => {
  await page.goto("/");
  await page.getByRole("contentinfo").getByRole("link", { name: "Paper broker" }).click();
  await page.getByRole("heading", { level: 1, name: "Paper broker" }).waitFor();
  const links = await page.getByRole("region", { name: "Its dashboards" }).getByRole("link").evaluateAll((all) => all.map((link) => link.href));
  assert.deepEqual(links, [`${stage.broker.paper}/dashboard`, `${stage.broker.live}/dashboard`]);
});

test("an account is opened on its dashboard, and its pair shown", async () => {
  const visitor = await Visitor.arrive(stage.browser, stage.broker.paper);
  dashboard = visitor.page;
  await dashboard.goto("/dashboard");
  await isAccessible(dashboard);
  const paper = dashboard.getByRole("region", { name: /Paper accounts/ });
  await paper.getByLabel("Cash in dollars").last().fill("25000");
  await paper.getByRole("button", { name: "Open account" }).click();
  const secrets = dashboard.getByRole("status").getByRole("code");
  await secrets.first().waitFor();
  const [keyId, secret] = (await secrets.allInnerTexts()).filter((text) => /^[A-Za-z0-9]{18,}$/.test(text));
  pair = { keyId, secret };
  assert.match(keyId, /^PK/);
  await isAccessible(dashboard);
  await dashboard.setViewportSize(PHONE);
  await fitsItsWidth(dashboard);
  await visitor.leave();
});

test("the pair is connected, and the page tells of it", async () => {
  await page.goto("/connections/new/paper");
  await page.getByRole("link", { name: /dashboard$/ }).waitFor();
  await page.getByLabel("Key ID").fill(pair.keyId);
  await page.getByLabel("Secret Key").fill(pair.secret);
  await page.getByLabel("Name of this connection").fill("at-hand");
  await page.getByRole("button", { name: "Validate & save" }).click();
  await page.getByRole("heading", { level: 1, name: "at-hand" }).waitFor();
  await page.goto("/accounts/at-hand");
  await page.getByText("$25,000.00").first().waitFor();
  await page.goto("/paper-broker");
  await page.getByRole("region", { name: /Connections/ }).getByRole("link", { name: "at-hand" }).waitFor();
  await isAccessible(page);
  await picture(page, "paper-broker");
});
