// Every page, with much on it: what must hold on all of them, and their pictures.

import { after, before, test } from "node:test";
import { connectLive, invite, secure } from "./person.mjs";
import { longAgo, play } from "./scene.mjs";
import { Stage } from "./stage.mjs";
import { walk } from "./walk.mjs";

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
  { name: "key-replace", path: "/keys/momentum/replace" },
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
  { name: "no-such-page", path: "/keys/nobody", status: 404 },
];

let stage;
let visitor;
let scene;

before(async () => {
  const since = longAgo();
  stage = await Stage.set(undefined, since);
  scene = await play(stage, since);
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

for (const page of PAGES) test(page.name, (t) => walk(t, { stage, visitor, scene, ...page }));
