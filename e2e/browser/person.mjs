// Becoming somebody, signing in and out, and proving who one is, as a person does it.

import { code, roomInThePeriod } from "./totp.mjs";

export const PASSWORD = "lantern oyster gravel violin";

/** Follows a link that makes somebody: the set-up link, or an invitation. */
export async function join(visitor, link, name, button) {
  const { page } = visitor;
  await page.goto(link);
  await page.getByLabel("Your name").fill(name);
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByLabel("The same password again").fill(PASSWORD);
  await page.getByRole("button", { name: button }).click();
  await page.getByRole("navigation", { name: "Places" }).waitFor();
  return visitor;
}

/** Types name and password; what comes then is the caller's to look at. */
export async function enter(visitor, name, password = PASSWORD) {
  const { page } = visitor;
  await page.getByLabel("Name").fill(name);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
}

/** Signs in with name and password. */
export async function signIn(visitor, name, password = PASSWORD) {
  await visitor.page.goto("/sign-in");
  await enter(visitor, name, password);
  await visitor.page.getByRole("navigation", { name: "Places" }).waitFor();
}

/** Signs out by the menu. */
export async function signOut(visitor, name) {
  const { page } = visitor;
  await page.getByRole("banner").getByText(name, { exact: true }).click();
  await page.getByRole("button", { name: "Sign out", exact: true }).click();
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
}

/** Turns the second factor on, and returns its secret and the recovery codes. The code of the period before is used up. */
export async function secure({ page }) {
  await page.goto("/settings/security/second-factor");
  await page.getByRole("button", { name: "Show the secret" }).click();
  const secret = await page.locator("#factor-secret").innerText();
  await roomInThePeriod();
  await page.getByLabel("Six-digit code").fill(code(secret, -1));
  await page.getByRole("button", { name: "Turn on" }).click();
  await page.getByRole("heading", { name: "Your recovery codes" }).waitFor();
  const recovery = (await page.getByRole("main").getByRole("listitem").allInnerTexts()).map((text) => text.trim());
  return { secret, recovery };
}

/** Answers the question who is at the keyboard. */
export async function prove(page, proof) {
  await page.getByRole("heading", { name: "Confirm that it is you" }).waitFor();
  await page.getByLabel("Six-digit code").fill(proof);
  await page.getByRole("button", { name: "Confirm" }).click();
}

/** Fills in and sends the form for a live account, with so many of its statements ticked. */
export async function connectLive(page, account, name, statements = 5) {
  await page.goto("/connections/new/live");
  await page.getByLabel("Key ID").fill(account.keyId);
  await page.getByLabel("Secret Key").fill(account.secret);
  await page.getByLabel("Name of this connection").fill(name);
  for (const tick of (await page.getByRole("group", { name: "Statements" }).getByRole("checkbox").all()).slice(0, statements)) await tick.check();
  await page.getByLabel("Your name, as a signature").fill("Anna Owner");
  await page.getByRole("button", { name: "Validate & save" }).click();
}

/** Makes a link that lets somebody in, and returns it. `team` founds one of their own. */
export async function invite({ page }, role, team = "") {
  await page.goto("/settings/people/invite");
  await page.getByLabel(/^For whom/).fill(`somebody as ${role}`);
  await page.getByRole("radio", { name: role }).check();
  await page.getByLabel(/^A team of their own/).fill(team);
  await page.getByRole("button", { name: "Make the link" }).click();
  return page.locator("#link-text").innerText();
}
