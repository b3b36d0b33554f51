// Connect with Alpaca: a person leaves for the consent page of what stands in for Alpaca, answers there, and comes back.

import assert from "node:assert/strict";
import { createServer } from "node:net";
import { after, before, test } from "node:test";
import { fitsItsWidth, isAccessible } from "./checks.mjs";
import { signIn } from "./person.mjs";
import { picture } from "./screens.mjs";
import { Stage } from "./stage.mjs";

let stage;
let page;
let visitor;
let first;
let second;

/** A port that nobody listens at: the address to come back to is registered before Paddock starts. */
async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function asAnApp(broker) {
  const web = `127.0.0.1:${await freePort()}`;
  const { client_id: id, client_secret: secret } = await broker.register("Paddock", `http://${web}/oauth/callback`);
  const config = `[oauth]\nclient_id = "${id}"\napp_url = "${broker.paper}"\ntoken_url = "${broker.paper}"\n`;
  return { web, files: { "config.toml": config, "oauth-secret": secret } };
}

before(async () => {
  stage = await Stage.set(asAnApp);
  [first, second] = [await stage.broker.account(), await stage.broker.account()];
  visitor = await stage.owner();
  visitor.elsewhere.push(stage.broker.paper);
  ({ page } = visitor);
});

after(() => stage?.strike());

/** Presses the button and answers on the consent page. */
async function leave(page, answer, account) {
  await page.getByRole("button", { name: "Connect with Alpaca" }).click();
  await page.getByRole("heading", { name: "Let Paddock in?" }).waitFor();
  await picture(page, "oauth-consent");
  if (account) await page.getByLabel(account.number).check();
  await page.getByRole("button", { name: answer }).click();
}

async function connect(page, name, answer, account) {
  await page.goto("/connections/new/paper");
  await page.getByLabel("Name of this connection").fill(name);
  await leave(page, answer, account);
}

/** Nothing of what came back stands in the address or on the page. */
async function hasNoCode(page) {
  const { search } = new URL(page.url());
  assert.doesNotMatch(search, /code=|state=/);
}

test("a no at Alpaca is told, and the name stays", async () => {
  await page.goto("/connections/new/paper");
  await isAccessible(page);
  await page.getByRole("button", { name: "Connect with Alpaca" }).scrollIntoViewIfNeeded();
  await picture(page, "connect-oauth");
  await connect(page, "by-oauth", "Deny");
  await page.getByRole("heading", { name: "Not allowed at Alpaca" }).waitFor();
  assert.equal(await page.getByLabel("Name of this connection").inputValue(), "by-oauth");
  await hasNoCode(page);
  await isAccessible(page);
  assert.deepEqual(await stage.paddock.cli("connection", "list"), []);
});

test("a yes connects the account, and a bot trades through it", async () => {
  await leave(page, "Allow", first);
  await page.waitForURL("**/connections/by-oauth?done=*");
  await page.getByText(/Alpaca gave Paddock a token/).waitFor();
  await page.getByText("It may read the account, change its settings, trade and read prices.").waitFor();
  await page.getByText(first.number).first().waitFor();
  await hasNoCode(page);
  await isAccessible(page);
  await picture(page, "connection-oauth");
  const bot = stage.bot(await stage.paddock.issue("bot", "by-oauth", "--preset", "trader", "--symbols", "AAPL", "--max-notional", "1000"));
  const order = await bot.buy("AAPL", "1");
  assert.ok(order.id, JSON.stringify(order));
  const refused = await bot.buy("AAPL", "500");
  assert.ok(!refused.id, JSON.stringify(refused));
});

test("a token that was revoked is told, and only the same account takes its place", async () => {
  await stage.broker.revokeGrants();
  await page.goto("/connections/by-oauth");
  await page.getByRole("button", { name: "Check again" }).click();
  await page.getByRole("heading", { name: "Token not accepted" }).waitFor();
  await page.getByRole("link", { name: "Connect it again" }).click();
  await isAccessible(page);
  await leave(page, "Allow", second);
  await page.getByRole("heading", { name: "Another account" }).waitFor();
  await hasNoCode(page);
  await leave(page, "Allow", first);
  await page.waitForURL("**/connections/by-oauth?done=*");
  await page.getByRole("button", { name: "Check again" }).click();
  await page.getByText(/the credential works/).waitFor();
});

test("without scripts, on a phone", async () => {
  const plain = await stage.visitor({ javaScriptEnabled: false, viewport: { width: 360, height: 740 } });
  plain.elsewhere.push(stage.broker.paper);
  await signIn(plain, "anna");
  await plain.page.goto("/connections/new/paper");
  await fitsItsWidth(plain.page);
  await connect(plain.page, "plainly", "Allow", second);
  await plain.page.waitForURL("**/connections/plainly?done=*");
  await plain.page.getByText(/Alpaca gave Paddock a token/).waitFor();
  await fitsItsWidth(plain.page);
});

test("the command line says where to begin", async () => {
  const { open } = await stage.paddock.cli("connection", "add", "third", "--environment", "paper", "--oauth");
  assert.equal(open, `${stage.paddock.web}/connections/new/paper?name=third`);
  await page.goto(open);
  assert.equal(await page.getByLabel("Name of this connection").inputValue(), "third");
});
