// Streams of the built-in broker, as Alpaca's unmodified SDK hears them.

import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { streaming } from "@alpacahq/alpaca-trade-api";

const BINARY = process.env.PADDOCK_BIN ?? fileURLToPath(new URL("../../target/debug/paddock", import.meta.url));

const { CryptoDataStream, StockDataStream, TradingStream } = streaming;

let broker;

/** A running `paddock paper serve` on free ports: held open, and sixty times as fast as real time. */
before(async () => {
  const directory = mkdtempSync(join(tmpdir(), "paddock-e2e-"));
  const words = ["--listen", "127.0.0.1:0", "--live-listen", "127.0.0.1:0", "--hold-open", "--clock", "x60", "--json"];
  const server = spawn(BINARY, ["--data-dir", directory, "paper", "serve", ...words], { stdio: ["ignore", "pipe", "ignore"] });
  const ended = once(server, "exit");
  let printed = "";
  for await (const text of server.stdout.iterator({ destroyOnReturn: false })) {
    printed += text;
    if (printed.endsWith("}\n")) break;
  }
  server.stdout.resume();
  broker = {
    urls: JSON.parse(printed),
    async stop() {
      server.kill("SIGTERM");
      const [code] = await ended;
      rmSync(directory, { recursive: true, force: true });
      return code;
    },
  };
});

after(async () => assert.equal(await broker.stop(), 0, "paddock paper serve did not end cleanly"));

/** A new account: its credentials and the address of its environment. */
async function account(environment) {
  const words = ["paper", "account", "create", "--environment", environment, "--url", broker.urls.paper, "--json"];
  const created = JSON.parse((await promisify(execFile)(BINARY, words)).stdout);
  return { credentials: { keyId: created.key_id, secret: created.secret_key }, url: broker.urls[environment] };
}

const webSocket = (url, path) => url.replace("http", "ws") + path;

/** Connects, subscribes as told, and waits for one message of each kind. */
async function oneOfEach(stream, kinds, subscribe) {
  const all = kinds.map((kind) => new Promise((resolve) => stream[kind](resolve)));
  stream.connect();
  try {
    assert.ok(await stream.waitForAuthentication());
    subscribe();
    return await Promise.all(all);
  } finally {
    stream.disconnect();
  }
}

test("stocks", async () => {
  const { credentials, url } = await account("paper");
  const stream = new StockDataStream({ credentials, url: webSocket(url, "/v2/iex") });
  const kinds = ["onTrade", "onQuote", "onBar", "onDailyBar"];
  const [trade, quote, bar, day] = await oneOfEach(stream, kinds, () => {
    stream.subscribeForTrades(["AAPL"]);
    stream.subscribeForQuotes(["MSFT"]);
    stream.subscribeForBars(["*"]);
    stream.subscribeForDailyBars(["SPY"]);
    stream.subscribeForImbalances(["AAPL"]);
  });
  assert.deepEqual([trade.symbol, quote.symbol, day.symbol], ["AAPL", "MSFT", "SPY"]);
  assert.ok(trade.price > 0 && quote.bidPrice < quote.askPrice && bar.low <= bar.high, [trade, quote, bar]);
});

test("crypto", async () => {
  const { credentials, url } = await account("live");
  const stream = new CryptoDataStream({ credentials, url: webSocket(url, "/v1beta3/crypto/us") });
  const [trade, book] = await oneOfEach(stream, ["onTrade", "onOrderbook"], () => {
    stream.subscribeForTrades(["BTC/USD"]);
    stream.subscribeForOrderbooks(["BTC/USD"]);
  });
  assert.deepEqual([trade.symbol, book.symbol], ["BTC/USD", "BTC/USD"]);
});

for (const environment of ["paper", "live"]) {
  test(`trade updates of a ${environment} account`, async () => {
    const { credentials, url } = await account(environment);
    const stream = new TradingStream({ credentials, url: webSocket(url, "/stream") });
    const filled = new Promise((resolve) => stream.onTradeUpdate((update) => update.event === "fill" && resolve(update)));
    const listening = new Promise((resolve) => stream.on("subscription", resolve));
    stream.subscribeTradeUpdates();
    stream.connect();
    assert.deepEqual(await listening, ["trade_updates"]);
    const order = { symbol: "AAPL", qty: "3", side: "buy", type: "market", time_in_force: "day" };
    const headers = { "APCA-API-KEY-ID": credentials.keyId, "APCA-API-SECRET-KEY": credentials.secret };
    const placed = await fetch(`${url}/v2/orders`, { method: "POST", headers, body: JSON.stringify(order) });
    const { id } = await placed.json();
    const fill = await filled;
    stream.disconnect();
    assert.deepEqual([fill.order.id, fill.order.symbol, Number(fill.qty)], [id, "AAPL", 3]);
  });
}

test("a wrong pair is told", async () => {
  const { credentials, url } = await account("paper");
  const wrong = { ...credentials, secret: "wrong" };
  for (const stream of [
    new StockDataStream({ credentials: wrong, url: webSocket(url, "/v2/sip") }),
    new TradingStream({ credentials: wrong, url: webSocket(url, "/stream") }),
  ]) {
    stream.on("error", () => {});
    stream.connect();
    const { status, message } = await stream.waitForAuthenticationResult();
    stream.disconnect();
    assert.deepEqual([status, message], ["server_rejected", "auth failed"]);
  }
});
