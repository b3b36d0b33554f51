// Streams: trade updates in JSON, market data in MessagePack over TLS.

import assert from "node:assert/strict";
import { test } from "node:test";
import { startBroker } from "../shared/broker.mjs";
import { Heard } from "../shared/hearing.mjs";
import { broker, clientOf, newClient, secured, surface } from "./context.mjs";

/** How long a stream may take until it hears something. */
const PATIENCE_MS = 60_000;
const resting = { symbol: "AAPL", side: "buy", qty: 1, type: "limit", limit_price: 1.5, time_in_force: "gtc" };

/** Listens to trade updates. Only what happens after `listen` is told, and the SDK does not say when it listens: orders are placed until one is. */
async function listening({ api, trade_ws }) {
  const updates = new Heard(), connected = new Heard();
  let heard = false;
  trade_ws.onOrderUpdate((update) => { heard = true; updates.keep(update); });
  trade_ws.onConnect(() => connected.keep("connected"));
  trade_ws.connect();
  await connected.wait();
  trade_ws.subscribe(["trade_updates"]);
  const deadline = Date.now() + PATIENCE_MS;
  while (!heard && Date.now() < deadline) await api.cancelOrder((await api.createOrder(resting)).id);
  await updates.wait(({ event }) => event === "canceled", "canceled");
  return updates;
}

test("every step of an order", async () => {
  const client = await newClient();
  const { api, trade_ws } = client;
  const states = new Heard();
  trade_ws.onStateChange(states.keep);
  const updates = await listening(client);
  assert.deepEqual([trade_ws.state(), trade_ws.subscriptions()], ["connected", ["trade_updates"]]);
  const bought = await api.createOrder({ symbol: "AAPL", side: "buy", qty: 2, type: "market", time_in_force: "day" });
  const first = await api.createOrder(resting);
  const second = await api.replaceOrder(first.id, { limit_price: "1.25" });
  await api.cancelOrder(second.id);
  const of = ({ id }, event) => {
    surface.heard(`/stream ${event}`);
    return updates.wait((update) => update.order.id === id && update.event === event, event);
  };
  await of(bought, "pending_new");
  await of(bought, "new");
  const fill = await of(bought, "fill");
  assert.deepEqual([fill.qty, fill.position_qty], ["2", "2"]);
  assert.equal((await of(first, "replaced")).order.replaced_by, second.id);
  await of(second, "canceled");
  trade_ws.unsubscribe(["trade_updates"]);
  trade_ws.onDisconnect(states.keep);
  trade_ws.disconnect();
});

test("orders expire, and queued ones are accepted", async () => {
  const stepped = await startBroker("--clock", "step", "--start", "2026-11-20");
  const client = clientOf(await stepped.account());
  const updates = await listening(client);
  const order = await client.api.createOrder({ ...resting, time_in_force: "day" });
  await stepped.step(7 * 3600);
  assert.equal((await updates.wait(({ event }) => event === "expired", "expired")).order.id, order.id);
  const queued = await client.api.createOrder({ symbol: "AAPL", side: "buy", qty: 1, type: "market", time_in_force: "day" });
  await updates.wait((update) => update.order.id === queued.id && update.event === "accepted", "accepted");
  surface.heard("/stream expired");
  surface.heard("/stream accepted");
  client.trade_ws.disconnect();
  assert.equal(await stepped.stop(), 0);
});

test("orders are filled in parts", async () => {
  const strict = await startBroker("--hold-open", "--clock", "x60", "--partial-fills");
  const client = clientOf(await strict.account("paper", "10000000"));
  const updates = await listening(client);
  const inParts = ({ event }) => event === "partial_fill";
  const order = { symbol: "AAPL", side: "buy", qty: 10, type: "market", time_in_force: "day" };
  // One order in ten is.
  for (let n = 0; n < 200 && !updates.any(inParts); n += 1) await client.api.createOrder(order);
  const part = await updates.wait(inParts, "partial_fill");
  await updates.wait((update) => update.order.id === part.order.id && update.event === "fill", "fill");
  surface.heard("/stream partial_fill");
  client.trade_ws.disconnect();
  assert.equal(await strict.stop(), 0);
});

test("a stream ends with its pair, and the new pair opens one", async () => {
  const account = await broker.account();
  const client = clientOf(account);
  const errors = new Heard();
  client.trade_ws.onError(errors.keep);
  await listening(client);
  const renewed = await broker.regenerate(account);
  // The SDK connects again by itself, and is told that its pair is dead.
  await errors.wait((message) => message === "bad key id or secret", "the refusal");
  const again = clientOf(renewed);
  await listening(again);
  again.trade_ws.disconnect();
});

/** Of each channel: its handler and its name in the subscribing methods. */
const STOCK_CHANNELS = {
  trades: ["onStockTrade", "Trades", ["AAPL"]],
  quotes: ["onStockQuote", "Quotes", ["AAPL"]],
  bars: ["onStockBar", "Bars", ["*"]],
  updatedBars: ["onStockUpdatedBar", "UpdatedBars", ["*"]],
  dailyBars: ["onStockDailyBar", "DailyBars", ["SPY"]],
};

/** Connects and waits until the SDK says that it may subscribe. */
async function authenticated(stream) {
  const connected = new Heard();
  stream.onConnect(() => connected.keep("connected"));
  stream.connect();
  await connected.wait();
}

test("stocks", async () => {
  const { data_stream_v2: stream } = await newClient();
  const channels = Object.entries(STOCK_CHANNELS).map(([channel, [on, name, symbols]]) => {
    const heard = new Heard();
    stream[on](heard.keep);
    return { channel, name, symbols, heard };
  });
  const silent = new Heard(), states = new Heard();
  for (const on of ["onStatuses", "onLulds", "onCancelErrors", "onCorrections"]) stream[on](silent.keep);
  stream.onStateChange(states.keep);
  stream.onError(states.keep);
  stream.onDisconnect(() => states.keep("gone"));
  await authenticated(stream);
  // The SDK asks for it.
  assert.match(stream.conn.extensions, /permessage-deflate/);
  for (const { name, symbols } of channels) stream[`subscribeFor${name}`](symbols);
  for (const name of ["Statuses", "Lulds"]) stream[`subscribeFor${name}`](["AAPL"]);
  for (const { channel, symbols, heard } of channels) {
    const message = await heard.wait(undefined, channel);
    assert.ok(symbols[0] === "*" || message.Symbol === symbols[0], channel);
    surface.heard(`/v2/iex ${channel}`);
  }
  for (const channel of ["statuses", "lulds", "cancelErrors", "corrections"]) surface.heard(`/v2/iex ${channel}`, "silent");
  assert.deepEqual(stream.getSubscriptions().dailyBars, ["SPY"]);
  for (const { name, symbols } of channels) {
    if (name !== "DailyBars") stream[`unsubscribeFrom${name}`](symbols);
  }
  for (const name of ["Statuses", "Lulds"]) stream[`unsubscribeFrom${name}`](["AAPL"]);
  await channels.find(({ channel }) => channel === "dailyBars").heard.next();
  stream.unsubscribeFromDailyBars(["SPY"]);
  stream.disconnect();
  await states.wait((state) => state === "gone", "the end");
});

test("crypto", async () => {
  const { crypto_stream_v1beta3: stream } = await newClient();
  const kinds = { trades: "Trade", quotes: "Quote", bars: "Bar", updatedBars: "UpdatedBar", dailyBars: "DailyBar", orderbooks: "Orderbook" };
  const channels = Object.entries(kinds).map(([channel, kind]) => {
    const heard = new Heard();
    stream[`onCrypto${kind}`](heard.keep);
    return { channel, kind, heard };
  });
  await authenticated(stream);
  for (const { kind } of channels) stream[`subscribeFor${kind}s`](["BTC/USD"]);
  for (const { channel, heard } of channels) {
    const message = await heard.wait(undefined, channel);
    // The SDK leaves the symbol out of quotes, bars and books.
    assert.equal(message.Symbol ?? "BTC/USD", "BTC/USD");
    surface.heard(`/v1beta3/crypto/us ${channel}`);
  }
  for (const kind of ["Trades", "Quotes", "Bars", "UpdatedBars", "Orderbooks"]) stream[`unsubscribeFrom${kind}`](["BTC/USD"]);
  // As it is spelt in the SDK.
  stream.unsubscriceFromDailyBars(["BTC/USD"]);
  stream.disconnect();
});

test("news", async () => {
  const stepped = await startBroker("--clock", "step", "--start", "2026-11-20");
  const front = await secured(stepped);
  const { news_stream: stream } = clientOf(await stepped.account(), front.url);
  const heard = new Heard();
  stream.onNews(heard.keep);
  await authenticated(stream);
  stream.subscribeForNews(["*"]);
  // The SDK does not say when it is subscribed: time is moved until something is heard. The opening of each stock is reported.
  const deadline = Date.now() + PATIENCE_MS;
  while (!heard.any(() => true) && Date.now() < deadline) await stepped.step(60);
  assert.ok((await heard.wait()).Headline);
  surface.heard("/v1beta1/news news");
  stream.unsubscribeFromNews(["*"]);
  stream.disconnect();
  front.stop();
  assert.equal(await stepped.stop(), 0);
});

test("options have no stream", async () => {
  const { option_stream: stream } = await newClient();
  const errors = new Heard();
  stream.onError(errors.keep);
  stream.onOptionTrade(errors.keep);
  stream.onOptionQuote(errors.keep);
  stream.connect();
  await errors.wait((message) => /404/.test(message), "the refusal");
  stream.disconnect();
  for (const channel of ["trades", "quotes"]) surface.heard(`/v1beta1/indicative ${channel}`, "not offered");
});

test("a wrong pair is told", async () => {
  const { trade_ws, data_stream_v2: stream } = clientOf({ ...(await broker.account()), secret: "wrong" });
  const errors = new Heard();
  stream.onError(errors.keep);
  stream.connect();
  await errors.wait((message) => message === "auth failed", "auth failed");
  stream.disconnect();
  trade_ws.onError(errors.keep);
  trade_ws.connect();
  await errors.wait((message) => message === "bad key id or secret", "the refusal");
});
