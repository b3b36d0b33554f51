// The first visit: the set-up link makes the owner, once, and signing in takes a name and a password.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { isAccessible } from "./checks.mjs";
import { PASSWORD, enter, join, signIn, signOut } from "./person.mjs";
import { picture } from "./screens.mjs";
import { Stage } from "./stage.mjs";

const TRIES = 20;
const UNTIL_WHEN = /\d+ (s|seconds?|minutes?)\b|a minute/;

let stage;
let visitor;

before(async () => {
  stage = await Stage.set();
  visitor = await stage.visitor();
});

after(() => stage?.strike());

test("who is nobody is asked to sign in, and told of the set-up link", async () => {
  const { page } = visitor;
  await page.goto("/");
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  assert.match(page.url(), /\/sign-in/);
  await page.getByText("Open the set-up link").waitFor();
  await isAccessible(page);
});

test("two passwords that differ make nobody", async () => {
  const { page } = visitor;
  await page.goto(stage.paddock.setUp);
  await isAccessible(page);
  await picture(page, "setup");
  await page.getByLabel("Your name").fill("anna");
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByLabel("The same password again").fill("another one altogether");
  await page.getByRole("button", { name: "Create the owner" }).click();
  await page.getByRole("alert").first().waitFor();
  assert.equal(await page.getByLabel("Your name").inputValue(), "anna", "what was typed stays");
  assert.equal(await page.getByLabel("Password", { exact: true }).inputValue(), "", "but no secret");
});

test("the set-up link makes the owner, who is led on", async () => {
  await join(visitor, stage.paddock.setUp, "anna", "Create the owner");
  await visitor.page.getByRole("link", { name: /connect/i }).first().waitFor();
});

test("the set-up link works once", async () => {
  const late = await stage.visitor();
  const answer = await late.page.goto(stage.paddock.setUp);
  assert.ok([404, 410].includes(answer.status()), `${answer.status()}`);
  assert.equal(await late.page.getByRole("button", { name: "Create the owner" }).count(), 0);
});

test("who signs out is out, and who signs in comes to where they wanted to go", async () => {
  const { page } = visitor;
  await signOut(visitor, "anna");
  await page.goto("/?from=a-link");
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  await enter(visitor, "anna");
  await page.waitForURL("**/?from=a-link");
});

test("a wrong password and a wrong name are told in the same words", async () => {
  const stranger = await stage.visitor();
  const { page } = stranger;
  const told = [];
  for (const [name, password] of [["anna", "not the one that it is"], ["nobody-here", PASSWORD]]) {
    await page.goto("/sign-in");
    await enter(stranger, name, password);
    told.push(await page.getByRole("alert").innerText());
    assert.equal(await page.getByLabel("Name").inputValue(), name);
  }
  assert.equal(told[0], told[1]);
  await isAccessible(page);
});

test("guessing at one name is slowed down and says until when, and another name still comes in", async () => {
  const guesser = await stage.visitor();
  const { page } = guesser;
  await page.goto("/sign-in");
  let told = "";
  for (let guess = 0; guess < TRIES && !UNTIL_WHEN.test(told); guess += 1) {
    await enter(guesser, "bert", `guess number ${guess} of many`);
    told = await page.getByRole("alert").innerText();
  }
  assert.match(told, UNTIL_WHEN);
  await signIn(await stage.visitor(), "anna");
});
