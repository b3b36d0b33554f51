// Becoming somebody, and signing in and out, as a person does it.

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
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
}
