// What the tests share: one paper broker, TLS in front of it, the old SDK for its accounts, and what it was seen to do.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before } from "node:test";
import { startBroker } from "../shared/broker.mjs";
import { Surface } from "../shared/surface.mjs";
import { tlsFront } from "../shared/tls-front.mjs";

const require = createRequire(import.meta.url);
export const Alpaca = require("@alpacahq/alpaca-trade-api");
const { version } = require("./node_modules/@alpacahq/alpaca-trade-api/package.json");

/** The streams in an `Alpaca`. */
export const STREAMS = ["trade_ws", "data_stream_v2", "crypto_stream_v1beta3", "news_stream", "option_stream"];

export let broker, surface;
let front;

before(async () => {
  // Its market is open around the clock and a minute passes in a second, so that no stream keeps a test waiting.
  broker = await startBroker("--hold-open", "--clock", "x60");
  front = await secured(broker);
  surface = new Surface(`@alpacahq/alpaca-trade-api ${version}`, broker.record);
});

after(async () => {
  surface.write();
  front.stop();
  assert.equal(await broker.stop(), 0, "paddock paper serve did not end cleanly");
});

/** TLS in front of a broker. */
export function secured(of) {
  const read = (name) => readFileSync(join(process.env.PADDOCK_TEST_TLS, name), "utf8");
  return tlsFront(of.urls.paper, { key: read("key.pem"), certificate: read("certificate.pem") });
}

/** The SDK as its users make it, with the broker's address, and the one at which its streams find TLS. */
export function clientOf({ keyId, secret, oauth, url }, secureUrl = front.url) {
  const addresses = { baseUrl: url, dataBaseUrl: url, dataStreamUrl: secureUrl };
  const alpaca = new Alpaca({ keyId, secretKey: secret, oauth, feed: "iex", ...addresses });
  const streams = STREAMS.map((name) => [name, surface.wrap(alpaca[name], name, { requests: false })]);
  return { api: surface.wrap(alpaca, "alpaca"), ...Object.fromEntries(streams) };
}

/** The SDK for a new account, so that no test sees the orders of another. */
export const newClient = async () => clientOf(await broker.account());

/** A trading call is refused in the documented way: by axios's error, with this status and code. */
export async function refused(call, status, code, words = /./) {
  await assert.rejects(call, ({ response }) => {
    assert.deepEqual([response.status, response.data.code ?? null], [status, code]);
    assert.match(response.data.message, words);
    return true;
  });
}

/** The answer, or nothing where the broker says that it has no such operation; data calls have an error of words. */
export async function ifOffered(call) {
  try {
    return await call();
  } catch (error) {
    assert.match(error.message, /^code: 501/);
    return undefined;
  }
}
