// Without a mouse.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { isAccessible } from "./checks.mjs";
import { Stage } from "./stage.mjs";

let stage;
let page;

before(async () => {
  stage = await Stage.set();
  ({ page } = await stage.owner());
});

after(() => stage?.strike());

test("the first stop leads past the places to go", async () => {
  await page.goto("/");
  await page.keyboard.press("Tab");
  const skip = page.getByRole("link", { name: "Skip to the page" });
  assert.ok(await skip.evaluate((link) => link === document.activeElement));
  assert.ok((await skip.boundingBox()).y >= 0, "it is seen while it has the focus");
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  const isInMain = await page.evaluate(() => document.querySelector("main").contains(document.activeElement));
  assert.ok(isInMain, "the next stop is in the page itself");
});

test("two letters go to a place, and ? tells which", async () => {
  await page.goto("/");
  await page.keyboard.press("?");
  const list = page.getByRole("dialog", { name: "Keys" });
  await list.waitFor();
  await isAccessible(page);
  await page.keyboard.press("Escape");
  await page.waitForFunction(() => document.activeElement === document.body);
  await page.keyboard.press("g");
  await page.keyboard.press("c");
  await page.waitForURL("**/connections");
});

test("keys of one letter can be turned off, and on again", async () => {
  await page.goto("/");
  const list = page.getByRole("dialog", { name: "Keys" });
  const tick = list.getByRole("checkbox", { name: "Keys of one letter do something" });
  await page.getByRole("button", { name: "Keys" }).click();
  await tick.uncheck();
  await list.getByRole("button", { name: "Close" }).click();
  await page.reload();
  await page.keyboard.press("?");
  await page.keyboard.press("g");
  await page.keyboard.press("c");
  // Nothing came of them: the button opens what a key would have opened or left.
  await page.getByRole("button", { name: "Keys" }).click();
  assert.equal(new URL(page.url()).pathname, "/");
  assert.ok(!await tick.isChecked());
  await tick.check();
  await list.getByRole("button", { name: "Close" }).click();
  await page.keyboard.press("?");
  await list.waitFor();
});
