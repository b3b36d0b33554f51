// Pictures of the pages, for the README and the docs: made when `PADDOCK_SCREENS` names a directory. With `PADDOCK_SCREENS_ALL` they are of
// each page in each of its forms and to its end: to be looked through, and not to be kept.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import UPNG from "upng-js";

const DIRECTORY = process.env.PADDOCK_SCREENS;
export const ALL = process.env.PADDOCK_SCREENS_ALL !== undefined;

/** With so many colours a picture is a third as large, and nobody sees it. */
const COLOURS = 96;

/** Keeps what is seen now as `NAME.png`. */
export async function picture(page, name) {
  if (!DIRECTORY) return;
  // A chart comes after its page.
  await page.waitForFunction(() => [...document.querySelectorAll(".chart[data-chart]")].every((place) => place.matches(".empty") || place.querySelector("canvas")));
  const full = UPNG.decode(await page.screenshot({ animations: "disabled", caret: "hide", fullPage: ALL }));
  const small = UPNG.encode(UPNG.toRGBA8(full), full.width, full.height, COLOURS);
  mkdirSync(DIRECTORY, { recursive: true });
  writeFileSync(join(DIRECTORY, `${name}.png`), Buffer.from(small));
}
