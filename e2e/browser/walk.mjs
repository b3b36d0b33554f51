// A page is looked at in all its forms: what must hold on every page, and its pictures.

import assert from "node:assert/strict";
import { DESK, PHONE } from "./browser.mjs";
import { bundleIsSmall, fitsItsWidth, hasColoursApart, isAccessible, isWalkedByKeyboard, loadedCalmly, saysWhatItIs } from "./checks.mjs";
import { ALL, picture } from "./screens.mjs";

/** Walks the page at `path`, which may be made from the scene. Its pictures are called `name`; `also` are the forms of which one is kept
    besides the plain one: `dark`, `phone`. */
export async function walk(t, { stage, visitor, scene, name, path, also = [], status = 200 }) {
  const { page } = visitor;
  const address = typeof path === "function" ? path(scene) : path;
  // However long all of this takes.
  await stage.paddock.lastProof(0);
  const look = async (window, colorScheme) => {
    await page.setViewportSize(window);
    await page.emulateMedia({ colorScheme });
  };
  await look(DESK, "light");
  const answer = await page.goto(address);
  assert.equal(answer.status(), status);
  assert.equal(new URL(page.url()).pathname, address.split("?")[0], "it is this page and no other");
  await t.test("loads calmly, and says what it is", async (t) => {
    const { shift, paint } = await loadedCalmly(page);
    const bytes = await bundleIsSmall(page);
    t.diagnostic(`${name}: first paint after ${paint.toFixed(0)} ms, layout shift ${shift.toFixed(4)}, ${bytes} bytes besides the page`);
    await saysWhatItIs(page);
  });
  await picture(page, name);
  await t.test("is accessible", () => isAccessible(page));
  await t.test("is walked by keyboard", () => isWalkedByKeyboard(page));
  await look(DESK, "dark");
  await page.goto(address);
  if (ALL || also.includes("dark")) await picture(page, `${name}-dark`);
  await t.test("is accessible in the dark", () => hasColoursApart(page));
  await look(PHONE, "light");
  await page.goto(address);
  if (ALL || also.includes("phone")) await picture(page, `${name}-phone`);
  await t.test("fits a phone", () => fitsItsWidth(page));
  await t.test("is accessible on a phone", () => isAccessible(page));
  await t.test("asks for nothing from elsewhere, and breaks no policy", () => visitor.assertUntroubled());
}
