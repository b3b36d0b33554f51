// The pages of rotations, with one in each of the states that people see most: what must hold on them, and their pictures.

import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { connectLive, secure } from "./person.mjs";
import { Stage } from "./stage.mjs";
import { walk } from "./walk.mjs";

const LOOK_MS = 100;
const LOOKS = 300;

const PAGES = [
  { name: "rotations", path: "/rotations", also: ["dark", "phone"] },
  { name: "rotation-plan", path: "/connections/swing/rotate", also: ["phone"] },
  { name: "rotation-plan-live", path: "/connections/real/rotate", also: ["dark", "phone"] },
  { name: "rotation-rehearse", path: "/connections/swing/rehearse", also: ["phone"] },
  { name: "rotation-planned", path: ({ planned }) => `/rotations/${planned}` },
  { name: "rotation-paste", path: ({ waiting }) => `/rotations/${waiting}`, also: ["dark", "phone"] },
  { name: "rotation-degraded", path: ({ degraded }) => `/rotations/${degraded}`, also: ["dark", "phone"] },
  { name: "rotation-closed", path: ({ closed }) => `/rotations/${closed}`, also: ["phone"] },
  { name: "consumers", path: "/connections/swing/consumers" },
  { name: "consumer-choose", path: "/connections/swing/consumers/new", also: ["phone"] },
  { name: "consumer-new", path: "/connections/swing/consumers/new?kind=dotenv" },
  { name: "consumer", path: "/connections/swing/consumers/swing-env" },
  { name: "overview-rotations", path: "/" },
];

let stage;
let visitor;
let place;
const scene = {};

const dotenv = (name) => join(place, name, ".env");
const content = ({ keyId, secret }) => `APCA_API_KEY_ID=${keyId}\nAPCA_API_SECRET_KEY=${secret}\n`;

/** A connection whose pair is in a `.env` file too. */
async function connect(name) {
  const account = await stage.broker.account();
  mkdirSync(join(place, name), { recursive: true });
  writeFileSync(dotenv(name), content(account));
  await stage.paddock.connect(name, account);
  await stage.paddock.cli("consumer", "add", `${name}-env`, "--connection", name, "--kind", "dotenv", "--set", `path=${dotenv(name)}`);
  return account;
}

async function until(rotation, state) {
  for (let look = 0; look < LOOKS; look += 1) {
    const now = await stage.paddock.cli("rotation", "status", rotation);
    if (now.state === state) return;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  throw new Error(`the rotation did not become ${state}`);
}

/** Plans a rotation, and starts it unless told otherwise. */
async function rotate(name, ...more) {
  const { id } = await stage.paddock.cli("rotation", "plan", name, ...more);
  await stage.paddock.cli("rotation", "start", id);
  await until(id, "awaiting_mint");
  return id;
}

before(async () => {
  place = realpathSync(mkdtempSync(join(tmpdir(), "paddock-bots-")));
  const names = ["steady", "research", "swing", "intraday"];
  const folders = names.map((name) => JSON.stringify(join(place, name)));
  stage = await Stage.set(async () => ({ files: { "config.toml": `[rotation]\nallowed_folders = [${folders.join(", ")}]\n` } }));
  const [steady, research] = [await connect("steady"), await connect("research")];
  await connect("swing");
  await connect("intraday");
  scene.closed = await rotate("steady", "--cause", "scheduled");
  await stage.paddock.paste("steady", await stage.broker.regenerate(steady));
  await until(scene.closed, "closed");
  scene.degraded = await rotate("research", "--cause", "compromise");
  // Somebody else wrote there meanwhile.
  writeFileSync(dotenv("research"), content({ keyId: "PKAAAAAAAAAAAAAAAAAA", secret: "a".repeat(40) }));
  await stage.paddock.paste("research", await stage.broker.regenerate(research));
  await until(scene.degraded, "degraded");
  scene.waiting = await rotate("swing");
  scene.planned = (await stage.paddock.cli("rotation", "plan", "intraday")).id;
  visitor = await stage.owner();
  await secure(visitor);
  await connectLive(visitor.page, await stage.broker.account("live"), "real");
  await visitor.page.getByRole("heading", { level: 1, name: "real" }).waitFor();
});

after(async () => {
  await stage?.strike();
  if (place) rmSync(place, { recursive: true, force: true });
});

for (const page of PAGES) test(page.name, (t) => walk(t, { stage, visitor, scene, ...page }));
