// What the tests share: one paper broker, Alpaca's SDK for its accounts, and what it was seen to do.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { after, before } from "node:test";
import { Alpaca } from "@alpacahq/alpaca-trade-api";
import { startBroker } from "../shared/broker.mjs";
import { Surface } from "../shared/surface.mjs";

// The SDK leaves timers of half a minute behind. A test run need not wait for them.
const setTimer = globalThis.setTimeout;
globalThis.setTimeout = (act, ms, ...rest) => (ms >= 30_000 ? setTimer(act, ms, ...rest).unref() : setTimer(act, ms, ...rest));

const version = createRequire(import.meta.url)("./node_modules/@alpacahq/alpaca-trade-api/package.json").version;
const ALPACA_HOSTS = /^https:\/\/(paper-api|api|data)\.alpaca\.markets(?=\/)/;

export let broker, surface;

before(async () => {
  // Its market is open around the clock and a minute passes in a second, so that no stream keeps a test waiting.
  broker = await startBroker("--hold-open", "--clock", "x60");
  surface = new Surface(`@alpacahq/alpaca-trade-api ${version}`, broker.record);
});

after(async () => {
  surface.write();
  assert.equal(await broker.stop(), 0, "paddock paper serve did not end cleanly");
});

/**
 * The SDK as its users make it. It has no setting for the address, so `fetchApi` puts the broker's in; it paces itself at
 * Alpaca's 200 requests a minute and asks again after a 501, which would keep the tests waiting.
 */
export function clientOf({ keyId, secret, accessToken, url }) {
  const fetchApi = (target, init) => fetch(String(target).replace(ALPACA_HOSTS, url), init);
  const alpaca = new Alpaca({ keyId, secret, accessToken, fetchApi, rateLimit: false, retry: false });
  const within = (path) => /^(trading|marketData)\.[a-zA-Z]+$/.test(path);
  return {
    trading: surface.wrap(alpaca.trading, "trading", { within }),
    marketData: surface.wrap(alpaca.marketData, "marketData", { within }),
  };
}

/** The SDK for a new account, so that no test sees the orders of another. */
export const newClient = async () => clientOf(await broker.account());

/** The call is refused in the documented way: by the SDK's own error, with this status and code. */
export async function refused(call, status, code, words = /./) {
  await assert.rejects(call, (error) => {
    assert.deepEqual([error.status, error.code ?? null], [status, code], error);
    assert.match(error.message, words);
    return true;
  });
}

/** The answer, or nothing where the broker says in the documented way that it has no such operation. */
export async function ifOffered(call) {
  try {
    return await call();
  } catch (error) {
    assert.deepEqual([error.status, error.code], [501, 50110000], error);
    return undefined;
  }
}
