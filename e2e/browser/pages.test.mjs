// Every page, with much on it: what must hold on all of them, and their pictures.

import { after, before, test } from "node:test";
import { DESK, PHONE } from "./browser.mjs";
import { bundleIsSmall, fitsItsWidth, isAccessible, isWalkedByKeyboard, loadedCalmly, saysWhatItIs } from "./checks.mjs";
import { play } from "./scene.mjs";
import { picture } from "./screens.mjs";
import { Stage } from "./stage.mjs";

/** Each page with the pictures that are kept of it besides the plain one. Its name is what its pictures are called. */
const PAGES = [
  { name: "overview", path: "/", also: ["dark", "phone"] },
  { name: "keys", path: "/keys", also: ["phone"] },
  { name: "key-new", path: "/keys/new?connection=paper-main", also: ["phone"] },
  { name: "key", path: "/keys/momentum", also: ["dark"] },
  { name: "key-edit", path: "/keys/momentum/edit" },
  { name: "key-revoke", path: "/keys/momentum/revoke" },
  { name: "approvals", path: "/approvals", also: ["dark", "phone"] },
  { name: "approval", path: (scene) => `/approvals/${scene.approval}` },
  { name: "no-such-page", path: "/keys/nobody" },
];

let stage;
let visitor;
let scene;

before(async () => {
  stage = await Stage.set();
  scene = await play(stage);
  visitor = await stage.owner();
});

after(() => stage?.strike());

for (const { name, path, also = [] } of PAGES) {
  test(name, async (t) => {
    const { page } = visitor;
    const look = async (window, colorScheme) => {
      await page.setViewportSize(window);
      await page.emulateMedia({ colorScheme });
      await page.goto(typeof path === "function" ? path(scene) : path);
    };
    await look(DESK, "light");
    await t.test("loads soon and calmly, and says what it is", async (t) => {
      const { shift, paint } = await loadedCalmly(page);
      const bytes = await bundleIsSmall(page);
      t.diagnostic(`${name}: first paint after ${paint.toFixed(0)} ms, layout shift ${shift.toFixed(4)}, ${bytes} bytes besides the page`);
      await saysWhatItIs(page);
    });
    await picture(page, name);
    await t.test("is accessible", () => isAccessible(page));
    await t.test("is walked by keyboard", () => isWalkedByKeyboard(page));
    await look(DESK, "dark");
    if (also.includes("dark")) await picture(page, `${name}-dark`);
    await t.test("is accessible in the dark", () => isAccessible(page));
    await look(PHONE, "light");
    if (also.includes("phone")) await picture(page, `${name}-phone`);
    await t.test("fits a phone", () => fitsItsWidth(page));
    await t.test("is accessible on a phone", () => isAccessible(page));
    await t.test("asks for nothing from elsewhere, and breaks no policy", () => visitor.assertUntroubled());
  });
}
