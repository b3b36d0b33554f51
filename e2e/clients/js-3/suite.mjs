// All tests, and last whether all methods were called.

import assert from "node:assert/strict";
import { test } from "node:test";
import { methodsOf } from "../shared/surface.mjs";
import { Alpaca, STREAMS, surface } from "./context.mjs";
import "./trading.mjs";
import "./data.mjs";
import "./streams.mjs";
import "./oauth.mjs";

const emitter = methodsOf(new (await import("node:events")).EventEmitter());

/** What no test calls, by pattern, with the reason. */
const EXCUSED = [
  [/\.(authenticate|reconnect|ping|handleMessage|authResultHandler|log|resetSession|subscribeAll|updateSubscriptions|dataHandler|send|get)$/, "called by the SDK itself"],
  [/^(data|crypto|news|option)_stream.*\.(subscribe|unsubscribe)$/, "called by the methods that are named for channels"],
  [/^(crypto_stream_v1beta3|news_stream|option_stream)\.(onConnect|onDisconnect|onError|onStateChange|getSubscriptions|connect|disconnect)$/, "inherited from one class, and called on another stream"],
  [/^option_stream\.(un)?subscribe(For|From)/, "sends on a connection, and there is none"],
  [/^trade_ws\.(_ensure_polygon|_unsubscribe_polygon|onPolygon.*|onStock.*|onAccountUpdate)$/, "of providers and channels that Alpaca has not had for years"],
];

test("every public method is called or excused", () => {
  const alpaca = new Alpaca({ keyId: "any", secretKey: "any" });
  const methods = methodsOf(alpaca).map((method) => `alpaca.${method}`);
  for (const stream of STREAMS) {
    const own = methodsOf(alpaca[stream]).filter((method) => !emitter.includes(method));
    methods.push(...own.map((method) => `${stream}.${method}`));
  }
  assert.ok(methods.length > 150, "reflection found too little");
  assert.deepEqual(surface.missing(methods, (method) => EXCUSED.some(([pattern]) => pattern.test(method))), []);
});
