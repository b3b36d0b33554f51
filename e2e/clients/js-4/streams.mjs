// Streams: trade updates in JSON, market data in MessagePack.

import assert from "node:assert/strict";
import { test } from "node:test";
import { streaming } from "@alpacahq/alpaca-trade-api";
import { startBroker, webSocket } from "../shared/broker.mjs";
import { Heard } from "../shared/hearing.mjs";
import { broker, clientOf, surface } from "./context.mjs";

const { CryptoDataStream, NewsStream, OptionDataStream, StockDataStream, TradingStream } = streaming;

/** A watched stream of an account. */
function open(Class, account, path, more = {}) {
  const { keyId, secret, url } = account;
  const stream = new Class({ credentials: { keyId, secret }, url: webSocket(url, path), initialReconnectMs: 50, ...more });
  return surface.wrap(stream, Class.name, { requests: false });
}

/** A stream that listens to trade updates, and what it hears. */
async function listening(account) {
  const stream = open(TradingStream, account, "/stream");
  const updates = new Heard(), subscriptions = new Heard();
  stream.onTradeUpdate(updates.keep);
  stream.on("subscription", subscriptions.keep);
  stream.subscribeTradeUpdates();
  stream.connect();
  assert.deepEqual(await subscriptions.wait(), ["trade_updates"]);
  return { stream, updates };
}

const resting = { symbol: "AAPL", side: "buy", qty: 1, limitPrice: "1.5", timeInForce: "gtc" };

for (const environment of ["paper", "live"]) {
  test(`every step of an order of a ${environment} account`, async () => {
    const account = await broker.account(environment);
    const { trading: { orders } } = clientOf(account);
    const { stream, updates } = await listening(account);
    const bought = await orders.market({ symbol: "AAPL", side: "buy", qty: 2 });
    const first = await orders.limit(resting);
    const second = await orders.patchOrderByOrderId({ orderId: first.id, patchOrderRequest: { limitPrice: "1.25" } });
    await orders.deleteOrderByOrderID({ orderId: second.id });
    const of = ({ id }, event) => {
      surface.heard(`/stream ${event}`);
      return updates.wait((update) => update.order.id === id && update.event === event, event);
    };
    await of(bought, "pending_new");
    await of(bought, "new");
    const fill = await of(bought, "fill");
    assert.deepEqual([Number(fill.qty), Number(fill.positionQty)], [2, 2]);
    assert.equal((await of(first, "replaced")).order.replacedBy, second.id);
    await of(second, "canceled");
    stream.disconnect();
  });
}

test("orders expire, and queued ones are accepted", async () => {
  const stepped = await startBroker("--clock", "step", "--start", "2026-11-20");
  const account = await stepped.account();
  const { trading: { orders } } = clientOf(account);
  const { stream, updates } = await listening(account);
  const order = await orders.limit({ ...resting, timeInForce: "day" });
  await stepped.step(7 * 3600);
  assert.equal((await updates.wait(({ event }) => event === "expired", "expired")).order.id, order.id);
  const queued = await orders.market({ symbol: "AAPL", side: "buy", qty: 1 });
  await updates.wait(({ order, event }) => order.id === queued.id && event === "accepted", "accepted");
  surface.heard("/stream expired");
  surface.heard("/stream accepted");
  stream.disconnect();
  assert.equal(await stepped.stop(), 0);
});

test("orders are filled in parts", async () => {
  const strict = await startBroker("--hold-open", "--clock", "x60", "--partial-fills");
  const account = await strict.account("paper", "10000000");
  const { trading: { orders } } = clientOf(account);
  const { stream, updates } = await listening(account);
  const inParts = ({ event }) => event === "partial_fill";
  // One order in ten is.
  for (let n = 0; n < 200 && !updates.any(inParts); n += 1) await orders.market({ symbol: "AAPL", side: "buy", qty: 10 });
  const part = await updates.wait(inParts, "partial_fill");
  assert.ok(Number(part.qty) > 0 && Number(part.qty) < 10);
  await updates.wait(({ order, event }) => order.id === part.order.id && event === "fill", "fill");
  surface.heard("/stream partial_fill");
  stream.disconnect();
  assert.equal(await strict.stop(), 0);
});

test("a stream ends with its pair, and the new pair opens one", async () => {
  const account = await broker.account();
  const { stream } = await listening(account);
  const errors = new Heard();
  stream.onError(errors.keep);
  const renewed = await broker.regenerate(account);
  // The SDK connects again by itself, and is told that its pair is dead.
  await errors.wait((message) => message === "auth failed", "auth failed");
  stream.disconnect();
  const again = await listening(renewed);
  await clientOf(renewed).trading.orders.limit(resting);
  await again.updates.wait(({ event }) => event === "new", "new");
  again.stream.disconnect();
});

/** Of each channel: how it is heard, subscribed to and left, with which symbols. */
const STOCK_CHANNELS = {
  trades: ["Trade", "Trades", ["AAPL", "MSFT"]],
  quotes: ["Quote", "Quotes", ["AAPL"]],
  bars: ["Bar", "Bars", ["*"]],
  updatedBars: ["UpdatedBar", "UpdatedBars", ["*"]],
  dailyBars: ["DailyBar", "DailyBars", ["SPY"]],
};
const SILENT_CHANNELS = { statuses: ["Status", "Statuses"], lulds: ["Luld", "Lulds"], imbalances: ["Imbalance", "Imbalances"] };

test("stocks", async () => {
  const stream = open(StockDataStream, await broker.account(), "/v2/iex");
  const states = new Heard();
  stream.onStateChange(states.keep);
  const connected = new Heard();
  stream.onConnect(connected.keep);
  const channels = Object.entries(STOCK_CHANNELS).map(([channel, [one, many, symbols]]) => {
    const heard = new Heard();
    stream[`on${one}`](heard.keep);
    return { channel, many, symbols, heard };
  });
  const silent = new Heard();
  for (const one of ["Status", "Luld", "Imbalance", "Correction", "CancelError"]) stream[`on${one}`](silent.keep);
  stream.connect();
  assert.ok(await stream.waitForAuthentication());
  assert.equal(stream.getState(), "authenticated");
  for (const { many, symbols } of channels) stream[`subscribeFor${many}`](symbols);
  for (const [, many] of Object.values(SILENT_CHANNELS)) stream[`subscribeFor${many}`](["AAPL"]);
  for (const { channel, symbols, heard } of channels) {
    const message = await heard.wait(undefined, channel);
    assert.ok(symbols.includes("*") || symbols.includes(message.symbol), channel);
    surface.heard(`/v2/iex ${channel}`);
  }
  for (const channel of [...Object.keys(SILENT_CHANNELS), "corrections", "cancelErrors"]) surface.heard(`/v2/iex ${channel}`, "silent");
  assert.deepEqual(stream.getSubscriptions().dailyBars, ["SPY"]);

  const trades = channels[0].heard;
  const left = new Heard();
  stream.on("subscription", left.keep);
  stream.unsubscribeFromTrades(["AAPL"]);
  await left.wait(({ trades }) => trades.join() === "MSFT", "the smaller subscription");
  assert.equal((await trades.next()).symbol, "MSFT");
  for (const { many, symbols } of channels) stream[`unsubscribeFrom${many}`](symbols);
  for (const [, many] of Object.values(SILENT_CHANNELS)) stream[`unsubscribeFrom${many}`](["AAPL"]);
  await left.wait((now) => ["trades", "quotes", "bars", "updatedBars", "dailyBars"].every((channel) => !now[channel]?.length), "an empty subscription");
  const gone = new Heard();
  stream.onDisconnect(gone.keep);
  stream.onError(gone.keep);
  stream.disconnect();
});

test("one connection is allowed to each stream", async () => {
  const account = await broker.account();
  const [first, second] = [1, 2].map(() => open(StockDataStream, account, "/v2/iex", { reconnect: false }));
  first.connect();
  assert.ok(await first.waitForAuthentication());
  const errors = new Heard();
  second.onError(errors.keep);
  second.connect();
  await errors.wait((message) => message === "connection limit exceeded", "the refusal");
  first.disconnect();
  second.disconnect();
});

test("the test stream", async () => {
  const stream = open(StockDataStream, await broker.account(), "/v2/test");
  const heard = new Heard();
  stream.onTrade(heard.keep);
  stream.subscribeForTrades(["FAKEPACA"]);
  stream.connect();
  assert.equal((await heard.wait()).symbol, "FAKEPACA");
  stream.disconnect();
  surface.heard("/v2/test trades");
});

test("crypto", async () => {
  const stream = open(CryptoDataStream, await broker.account(), "/v1beta3/crypto/us");
  const kinds = { trades: "Trade", quotes: "Quote", bars: "Bar", updatedBars: "UpdatedBar", dailyBars: "DailyBar", orderbooks: "Orderbook" };
  const channels = Object.entries(kinds).map(([channel, kind]) => {
    const heard = new Heard();
    stream[`on${kind}`](heard.keep);
    stream[`subscribeFor${kind}s`](["BTC/USD"]);
    return { channel, kind, heard };
  });
  stream.connect();
  for (const { channel, heard } of channels) {
    assert.equal((await heard.wait(undefined, channel)).symbol, "BTC/USD");
    surface.heard(`/v1beta3/crypto/us ${channel}`);
  }
  for (const { kind } of channels) stream[`unsubscribeFrom${kind}s`](["BTC/USD"]);
  stream.disconnect();
});

test("news", async () => {
  const stepped = await startBroker("--clock", "step", "--start", "2026-11-20");
  const stream = open(NewsStream, await stepped.account(), "/v1beta1/news");
  const heard = new Heard(), subscribed = new Heard();
  stream.onNews(heard.keep);
  stream.on("subscription", subscribed.keep);
  stream.connect();
  await stream.waitForAuthentication();
  stream.subscribeForNews(["*"]);
  await subscribed.wait(({ news }) => news.includes("*"), "the subscription");
  // The opening of each stock is reported within minutes.
  await stepped.step(900);
  assert.ok((await heard.wait()).headline);
  surface.heard("/v1beta1/news news");
  stream.unsubscribeFromNews(["*"]);
  stream.disconnect();
  assert.equal(await stepped.stop(), 0);
});

test("options have no stream", async () => {
  const stream = open(OptionDataStream, await broker.account(), "/v1beta1/indicative", { reconnect: false });
  const errors = new Heard();
  stream.onError(errors.keep);
  stream.connect();
  await errors.wait((message) => /404/.test(message), "the refusal");
  stream.disconnect();
  for (const channel of ["trades", "quotes"]) surface.heard(`/v1beta1/indicative ${channel}`, "not offered");
});

test("a wrong pair is told", async () => {
  const wrong = { ...(await broker.account()), secret: "wrong" };
  for (const [Class, path] of [[StockDataStream, "/v2/sip"], [TradingStream, "/stream"]]) {
    const stream = open(Class, wrong, path);
    stream.on("error", () => {});
    stream.connect();
    const { status, message } = await stream.waitForAuthenticationResult();
    stream.disconnect();
    assert.deepEqual([status, message], ["server_rejected", "auth failed"]);
  }
});

test("streams are opened by the client", async () => {
  const account = await broker.account();
  const { trading, marketData } = clientOf(account);
  for (const [stream, path] of [
    [trading.stream, "/stream"],
    [marketData.stockStream, "/v2/sip"],
    [marketData.cryptoStream, "/v1beta3/crypto/us"],
    [marketData.newsStream, "/v1beta1/news"],
  ]) {
    const opened = await stream({ url: webSocket(account.url, path) });
    opened.connect();
    assert.ok(await opened.waitForAuthentication(), path);
    opened.disconnect();
  }
  await marketData.optionStream({ url: webSocket(account.url, "/v1beta1/indicative") });
});
