// What happens shows by itself: on an open page, without a reload, and in the same words to the program.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Stage } from "./stage.mjs";

let stage;
let owner;
let page;
let bot;

before(async () => {
  stage = await Stage.set();
  const { broker, paddock } = stage;
  await paddock.connect("paper-main", await broker.account());
  bot = stage.bot(await paddock.issue("momentum", "paper-main", "--preset", "trader", "--symbols", "AAPL", "--max-notional", "1000"));
  owner = await stage.owner();
  ({ page } = owner);
  await page.goto("/");
  // Gone after a reload.
  await page.evaluate(() => { window.isTheSamePage = true; });
});

after(() => stage?.strike());

const isTheSamePage = () => page.evaluate(() => window.isTheSamePage === true);
const row = (words) => page.getByRole("row").filter({ hasText: words });

test("an order that a bot places is there at once", async () => {
  const order = await bot.buy("AAPL", 1);
  assert.equal(order.qty, "1", JSON.stringify(order));
  await row("buy 1 AAPL market").filter({ hasText: "Permitted" }).waitFor();
  assert.ok(await isTheSamePage());
});

test("a refused order says why, to the bot and on the page alike", async () => {
  const refused = await bot.buy("MSFT", 1);
  assert.equal(refused.refused, 403);
  const shown = row("buy 1 MSFT market");
  await shown.filter({ hasText: "Refused" }).waitFor();
  const reason = "this access key may not trade MSFT: its scope allows AAPL";
  assert.ok(refused.message.includes(reason), refused.message);
  assert.ok((await shown.innerText()).toLowerCase().includes(reason.toLowerCase()), await shown.innerText());
  assert.ok(await isTheSamePage());
});

test("a freeze from elsewhere shows on the open page, and its end too", async () => {
  await stage.paddock.cli("freeze", "--reason", "the market is mad");
  await page.getByText("Everything is frozen").waitFor();
  await page.getByText("because: the market is mad").waitFor();
  await stage.paddock.cli("unfreeze");
  await page.getByText("Everything is frozen").waitFor({ state: "detached" });
  assert.ok(await isTheSamePage());
});

test("whoever is at work in a part keeps their place when it changes", async () => {
  await page.goto("/keys");
  const link = page.getByRole("link", { name: "momentum" });
  await link.focus();
  await stage.paddock.cli("key", "freeze", "momentum", "--reason", "lunch");
  await page.getByText("frozen").first().waitFor();
  assert.ok(await link.evaluate((here) => here === document.activeElement), "the focus is on the same link");
  await stage.paddock.cli("key", "unfreeze", "momentum");
});

test("what is being typed stays, with the caret where it was", async () => {
  const asks = ["--preset", "trader", "--approval-over", "always", "--approval-wait", "0"];
  const careful = stage.bot(await stage.paddock.issue("careful", "paper-main", ...asks));
  await careful.buy("AAPL", 2);
  await page.goto("/approvals");
  const note = page.getByRole("listitem").filter({ hasText: "buy 2 AAPL" }).getByRole("textbox");
  await note.pressSequentially("as discussd");
  await page.keyboard.press("ArrowLeft");
  await careful.buy("MSFT", 3);
  await page.getByRole("listitem").filter({ hasText: "buy 3 MSFT" }).waitFor();
  await page.keyboard.type("e");
  assert.equal(await note.inputValue(), "as discussed");
  await page.getByRole("listitem").filter({ hasText: "buy 2 AAPL" }).getByRole("button", { name: "Deny" }).click();
  await page.getByRole("row").filter({ hasText: "buy 2 AAPL" }).filter({ hasText: "as discussed" }).waitFor();
});

test("what goes while the focus is in it leaves the focus where it was in the page", async () => {
  await page.goto("/approvals");
  const [held] = await stage.paddock.cli("approval", "list");
  await page.getByRole("button", { name: "Deny" }).focus();
  await stage.paddock.cli("approval", "deny", held.id);
  await page.getByRole("heading", { name: "Nothing waits" }).waitFor();
  assert.ok(await page.evaluate(() => document.getElementById("approvals").contains(document.activeElement)), "and not at its top");
});

// The last one, since nobody is signed in afterwards.
test("who was signed out elsewhere is told so, with the way back", async () => {
  await page.goto("/");
  await page.locator("#link.on").waitFor({ state: "attached" });
  owner.isSignedOutElsewhere = true;
  const other = await page.context().newPage();
  await other.goto("/settings/security");
  await other.locator("header summary").click();
  await other.getByRole("button", { name: "Sign out" }).click();
  await other.waitForURL("**/sign-in**");
  await page.getByText("Signed out: what you see is old.").waitFor();
  await page.getByRole("link", { name: "Sign in again" }).click();
  await page.waitForURL("**/sign-in**");
});
