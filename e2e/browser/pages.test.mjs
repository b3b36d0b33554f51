// Every page, with much on it: what must hold on all of them, and their pictures.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { DESK, PHONE } from "./browser.mjs";
import { bundleIsSmall, fitsItsWidth, hasColoursApart, isAccessible, isWalkedByKeyboard, loadedCalmly, saysWhatItIs } from "./checks.mjs";
import { connectLive, invite, secure } from "./person.mjs";
import { play } from "./scene.mjs";
import { ALL, picture } from "./screens.mjs";
import { Stage } from "./stage.mjs";

/** Each page with the pictures that are kept of it besides the plain one. Its name is what its pictures are called. */
const PAGES = [
  { name: "overview", path: "/", also: ["dark", "phone"] },
  { name: "welcome", path: "/welcome" },
  { name: "connections", path: "/connections", also: ["phone"] },
  { name: "connect", path: "/connections/new" },
  { name: "connect-paper", path: "/connections/new/paper" },
  { name: "connect-live", path: "/connections/new/live", also: ["dark"] },
  { name: "connection", path: "/connections/paper-main", also: ["phone"] },
  { name: "connection-live", path: "/connections/real", also: ["dark"] },
  { name: "connection-replace", path: "/connections/paper-main/replace" },
  { name: "connection-remove", path: "/connections/paper-main/remove" },
  { name: "freeze", path: "/freeze", also: ["phone"] },
  { name: "keys", path: "/keys", also: ["phone"] },
  { name: "key-choose", path: "/keys/new" },
  { name: "key-new", path: "/keys/new?connection=paper-main", also: ["phone"] },
  { name: "key-new-live", path: "/keys/new?connection=real" },
  { name: "key", path: "/keys/momentum", also: ["dark", "phone"] },
  { name: "key-edit", path: "/keys/momentum/edit" },
  { name: "key-revoke", path: "/keys/momentum/revoke" },
  { name: "approvals", path: "/approvals", also: ["dark", "phone"] },
  { name: "approval", path: (scene) => `/approvals/${scene.approval}` },
  { name: "activity", path: "/activity", also: ["dark", "phone"] },
  { name: "activity-latest", path: "/activity?show=latest" },
  { name: "request", path: (scene) => `/activity/${scene.request}` },
  { name: "account", path: "/accounts/paper-main", also: ["dark", "phone"] },
  { name: "account-close", path: "/accounts/paper-main/close?symbol=AAPL" },
  { name: "account-cancel", path: "/accounts/paper-main/cancel?order=all" },
  { name: "audit", path: "/audit", also: ["phone"] },
  { name: "settings", path: "/settings", also: ["dark", "phone"] },
  { name: "people", path: "/settings/people" },
  { name: "invite", path: "/settings/people/invite" },
  { name: "security", path: "/settings/security" },
  { name: "recovery-codes", path: "/settings/security/recovery-codes" },
  { name: "second-factor-off", path: "/settings/security/second-factor/off" },
  { name: "password", path: "/settings/password" },
  { name: "tokens", path: "/settings/tokens" },
  { name: "token-new", path: "/settings/tokens/new" },
  { name: "confirm", path: "/confirm" },
  { name: "paper-broker", path: "/paper-broker" },
  { name: "no-such-page", path: "/keys/nobody" },
];

let stage;
let visitor;
let scene;

before(async () => {
  stage = await Stage.set();
  scene = await play(stage);
  visitor = await stage.owner();
  const { page } = visitor;
  await secure(visitor);
  await connectLive(page, await stage.broker.account("live"), "real");
  await page.getByRole("heading", { level: 1, name: "real" }).waitFor();
  await stage.paddock.cli("connection", "activate", "paper-main");
  await invite(visitor, "Operator");
  await stage.paddock.cli("token", "create", "monitor", "--role", "viewer");
});

after(() => stage?.strike());

for (const { name, path, also = [] } of PAGES) {
  test(name, async (t) => {
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
    assert.equal(answer.status(), name === "no-such-page" ? 404 : 200);
    assert.equal(new URL(page.url()).pathname, address.split("?")[0], "it is this page and no other");
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
    await page.goto(address);
    if (ALL || also.includes("dark")) await picture(page, `${name}-dark`);
    await t.test("is accessible in the dark", () => hasColoursApart(page));
    await look(PHONE, "light");
    await page.goto(address);
    if (ALL || also.includes("phone")) await picture(page, `${name}-phone`);
    await t.test("fits a phone", () => fitsItsWidth(page));
    await t.test("is accessible on a phone", () => isAccessible(page));
    await t.test("asks for nothing from elsewhere, and breaks no policy", () => visitor.assertUntroubled());
  });
}
