// @alpacahq/alpaca-trade-api 4.x, unmodified, against `paddock paper serve`: its whole surface.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Alpaca, streaming } from "@alpacahq/alpaca-trade-api";
import { methodsOf } from "../shared/surface.mjs";
import { surface } from "./context.mjs";
import "./trading.mjs";
import "./data.mjs";
import "./streams.mjs";
import "./oauth.mjs";

/** What no test calls, by pattern, with the reason. */
const EXCUSED = [
  [/Raw$/, "the same request with the answer unread; the method of the name without `Raw` calls it"],
  [/RequestOpts$/, "makes a request and sends nothing; the method of the name without `RequestOpts` calls it"],
  [/\.(withMiddleware|withPreMiddleware|withPostMiddleware|isJsonMime|request|createFetchParams|fetchApi|clone)$/, "plumbing of every generated API, called by each request"],
  [/^[A-Za-z]+Stream\.(sendAuth|resubscribe|handleMessage|dispatchData|addSubscription|removeSubscription|updateSubscriptions|sendListen|send|onAuthenticated|failAuthentication|settleAuthResult|safeEmit|setState|log|handleOpen|handleRawMessage|decode|handleClose|shouldReconnect|scheduleReconnect|reconnectDelayMs|startPing|stopPing|clearPongTimeout|clearReconnectTimer|isCurrent|isCallbackCurrent|whenAuthenticated|callbackExecutor|resolveAuthResult|wsFactory)$/, "private or protected in the SDK's declarations"],
  [/^[A-Za-z]+Stream\.(once|off|removeListener|removeAllListeners|listenerCount|eventNames|onReconnecting|onReconnected)$/, "the listeners of Node's EventEmitter; nothing in it reaches the broker"],
  [/^(CryptoDataStream|NewsStream|OptionDataStream|TradingStream)\.(on|onConnect|onDisconnect|onError|onStateChange|getState|getSubscriptions|waitForAuthentication|waitForAuthenticationResult|connect|disconnect)$/, "inherited from one class, and called on another stream"],
  [/^(CryptoDataStream|NewsStream|OptionDataStream)\.(on|subscribeFor|unsubscribeFrom)[A-Z][A-Za-z]+$/, "inherited from one class for all feeds; the channels that this feed has are called"],
  [/^StockDataStream\.(on|subscribeFor|unsubscribeFrom)(Orderbooks?|News)$/, "a channel that stocks do not have"],
];

test("every public method is called or excused", () => {
  const alpaca = new Alpaca({ keyId: "any", secret: "any" });
  const methods = [];
  for (const name of ["trading", "marketData"]) {
    methods.push(...methodsOf(alpaca[name]).map((method) => `${name}.${method}`));
    for (const property of Object.getOwnPropertyNames(Object.getPrototypeOf(alpaca[name]))) {
      if (property === "constructor" || typeof alpaca[name][property] !== "object") continue;
      methods.push(...methodsOf(alpaca[name][property]).map((method) => `${name}.${property}.${method}`));
    }
  }
  const { CryptoDataStream, NewsStream, OptionDataStream, StockDataStream, TradingStream } = streaming;
  for (const Class of [CryptoDataStream, NewsStream, OptionDataStream, StockDataStream, TradingStream]) {
    const stream = new Class({ credentials: { keyId: "any", secret: "any" } });
    methods.push(...methodsOf(stream).map((method) => `${Class.name}.${method}`));
  }
  assert.ok(methods.length > 400, "reflection found too little");
  assert.deepEqual(surface.missing(methods, (method) => EXCUSED.some(([pattern]) => pattern.test(method))), []);
});
