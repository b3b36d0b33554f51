// Debian's Chromium, and who visits Paddock with it. A visitor notes whatever a page does that it never may: an error in the
// console, a breach of the Content-Security-Policy, a request to anywhere else.

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const EXECUTABLE = process.env.PADDOCK_TEST_CHROMIUM ?? "/usr/bin/chromium";
const PATIENCE_MS = 60_000;
const FLAGS = [
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export const DESK = { width: 1280, height: 900 };
export const PHONE = { width: 360, height: 740 };

/** A browser with a fresh profile. */
export function openBrowser() {
  // As root, which is who runs tests in a container, Chromium has no sandbox.
  const sandbox = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
  const env = { ...process.env, FONTCONFIG_FILE: fileURLToPath(new URL("fonts.conf", import.meta.url)) };
  return chromium.launch({ executablePath: EXECUTABLE, args: [...FLAGS, ...sandbox], env });
}

/** One person at one browser: a profile of their own, and one tab. */
export class Visitor {
  #problems = [];
  /** Where pages may lead besides: Alpaca's consent page, or what stands in for it. */
  elsewhere = [];
  /** Whether a page may go on asking for news after its session has ended. */
  isSignedOutElsewhere = false;

  static async arrive(browser, origin, options = {}) {
    const visitor = new Visitor();
    visitor.origin = origin;
    visitor.context = await browser.newContext({
      baseURL: origin,
      viewport: DESK,
      colorScheme: "light",
      reducedMotion: "reduce",
      locale: "en-US",
      timezoneId: "America/New_York",
      ...options,
    });
    visitor.context.setDefaultTimeout(PATIENCE_MS);
    visitor.#watch();
    visitor.page = await visitor.context.newPage();
    return visitor;
  }

  #watch() {
    const note = (problem) => this.#problems.push(problem);
    this.context.on("request", (request) => {
      const { protocol, origin } = new URL(request.url());
      if (![this.origin, ...this.elsewhere].includes(origin) && !["data:", "blob:"].includes(protocol)) note(`a request to elsewhere: ${request.url()}`);
    });
    this.context.on("response", (response) => {
      // A page may say that something is not there, or that Alpaca does not answer. What a page loads is always there.
      if (this.isSignedOutElsewhere && response.status() === 401 && response.url().endsWith("/events")) return;
      const isPage = response.request().isNavigationRequest();
      if (isPage ? response.status() === 500 : response.status() >= 400) note(`${response.status()} for ${response.url()}`);
    });
    this.context.on("console", (message) => {
      const ofAnAnswer = message.text().startsWith("Failed to load resource");
      if (["error", "warning"].includes(message.type()) && !ofAnAnswer) note(`in the console: ${message.text()} (${message.page()?.url()})`);
    });
    this.context.on("weberror", (error) => note(`a script failed: ${error.error()}`));
  }

  /** Fails if a page has done what it never may. */
  assertUntroubled() {
    assert.deepEqual(this.#problems.splice(0), []);
  }

  async leave() {
    await this.context.close();
    this.assertUntroubled();
  }
}
