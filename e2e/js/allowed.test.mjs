// @alpacahq/alpaca-trade-api, unmodified, does through the gateway what its access key allows.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, beforeEach, test } from "node:test";
import { ApiError, NotFoundError, trading } from "@alpacahq/alpaca-trade-api";
import { startPaddock } from "./paddock.mjs";

const DAY_MS = 24 * 60 * 60 * 1000;
let paddock;
let alpaca;

before(async () => {
  paddock = await startPaddock();
  alpaca = await paddock.client("--preset", "trader");
});
after(async () => assert.equal(await paddock?.stop(), 0));
beforeEach(() => alpaca.trading.closeAllPositions({ cancelOrders: true }));

/** A buy so far below the market that it stays open. */
const resting = (symbol, more = {}) => ({ symbol, qty: 1, side: "buy", limitPrice: 1.5, timeInForce: "gtc", ...more });
const orders = () => alpaca.trading.orders;
const openOrders = () => orders().getAllOrders({ status: "open" });

test("account", async () => {
  const account = await alpaca.trading.account.getAccount();
  assert.equal(account.accountNumber, paddock.facts.account_number);
  assert.equal(account.status, "ACTIVE");
  assert.deepEqual((await alpaca.trading.validateConnection()).ok, true);
});

test("asset", async () => {
  const asset = await alpaca.trading.assets.getV2AssetsSymbolOrAssetId({ symbolOrAssetId: "AAPL" });
  assert.equal(asset.symbol, "AAPL");
  assert.equal(asset.tradable, true);
});

test("crypto asset, whose symbol has a slash", async () => {
  const asset = await alpaca.trading.assets.getV2AssetsSymbolOrAssetId({ symbolOrAssetId: "BTC/USD" });
  assert.equal(asset.symbol, "BTC/USD");
});

test("clock, open around the clock", async () => {
  const clock = await alpaca.trading.clock.legacyClock();
  assert.equal(clock.isOpen, true);
  assert.ok(Math.abs(clock.timestamp - Date.now()) < 5 * 60 * 1000);
});

test("calendar", async () => {
  const days = await alpaca.trading.calendar.legacyCalendar({
    start: new Date("2025-01-06T00:00:00Z"),
    end: new Date("2025-01-10T00:00:00Z"),
  });
  const dates = days.map((day) => new Date(day.date).toISOString().slice(8, 10));
  assert.deepEqual(dates, ["06", "07", "08", "10"]);
});

test("daily bars", async () => {
  const start = new Date(Date.now() - 30 * DAY_MS);
  const bars = await alpaca.marketData.getStockBars({ symbols: ["AAPL", "MSFT"], timeframe: "1Day", start, feed: "iex" });
  for (const symbol of ["AAPL", "MSFT"]) {
    assert.ok(bars[symbol].length >= 15);
    assert.ok(bars[symbol].every((bar) => bar.low <= bar.close && bar.close <= bar.high));
  }
});

test("latest price and quote", async () => {
  assert.ok((await alpaca.marketData.getLatestPrice("AAPL")) > 0);
  const { quote } = await alpaca.marketData.stocks.stockLatestQuoteSingle({ symbol: "AAPL" });
  assert.ok(quote.bp > 0 && quote.bp <= quote.ap);
});

test("crypto quote and bars", async () => {
  const { quotes } = await alpaca.marketData.crypto.cryptoLatestQuotes({ loc: "us", symbols: "BTC/USD" });
  assert.ok(quotes["BTC/USD"].bp > 0);
  const start = new Date(Date.now() - 5 * DAY_MS);
  const bars = await alpaca.marketData.getCryptoBars({ loc: "us", symbols: ["BTC/USD"], timeframe: "1Day", start });
  assert.ok(bars["BTC/USD"].length >= 3);
});

test("a market order fills and is found again", async () => {
  const clientOrderId = `js-${randomUUID()}`;
  const placed = await orders().market({ symbol: "AAPL", qty: 2, side: "buy", clientOrderId });
  const order = await orders().getOrderByOrderID({ orderId: placed.id });
  assert.equal(order.status, "filled");
  assert.equal(order.filledQty, "2");
  assert.equal((await orders().getOrderByClientOrderId({ clientOrderId })).id, placed.id);
  const closed = await orders().getAllOrders({ status: "closed", symbols: ["AAPL"], limit: 10 });
  assert.ok(closed.some((one) => one.id === placed.id));
  const position = await alpaca.trading.positions.getOpenPosition({ symbolOrAssetId: "AAPL" });
  assert.equal(position.qty, "2");
});

test("a resting order is replaced and canceled", async () => {
  const placed = await orders().limit(resting("AAPL"));
  assert.deepEqual((await openOrders()).map((order) => order.id), [placed.id]);
  const replaced = await orders().patchOrderByOrderId({
    orderId: placed.id,
    patchOrderRequest: { qty: "3", limitPrice: "1.25" },
  });
  assert.notEqual(replaced.id, placed.id);
  assert.equal(replaced.replaces, placed.id);
  assert.equal(replaced.qty, "3");
  await orders().deleteOrderByOrderID({ orderId: replaced.id });
  assert.equal((await orders().getOrderByOrderID({ orderId: replaced.id })).status, "canceled");
});

test("all orders are canceled", async () => {
  const ids = [];
  for (const symbol of ["AAPL", "MSFT"]) ids.push((await orders().limit(resting(symbol))).id);
  const answers = await orders().deleteAllOrders();
  assert.deepEqual(answers.map((answer) => answer.id).sort(), ids.sort());
  assert.deepEqual(await openOrders(), []);
});

test("one position is closed in part and whole", async () => {
  await orders().market({ symbol: "AAPL", qty: 4, side: "buy" });
  const order = await alpaca.trading.positions.deleteOpenPosition({ symbolOrAssetId: "AAPL", qty: 1 });
  assert.equal(order.side, "sell");
  assert.equal((await alpaca.trading.positions.getOpenPosition({ symbolOrAssetId: "AAPL" })).qty, "3");
  await alpaca.trading.positions.deleteOpenPosition({ symbolOrAssetId: "AAPL" });
  await assert.rejects(alpaca.trading.positions.getOpenPosition({ symbolOrAssetId: "AAPL" }), (error) => {
    assert.ok(error instanceof NotFoundError);
    assert.equal(error.code, 40410000);
    return true;
  });
});

test("all positions are closed", async () => {
  for (const symbol of ["AAPL", "MSFT"]) await orders().market({ symbol, qty: 1, side: "buy" });
  const answers = await alpaca.trading.closeAllPositions({ cancelOrders: true });
  assert.deepEqual(answers.map((answer) => answer.symbol).sort(), ["AAPL", "MSFT"]);
  assert.deepEqual(await alpaca.trading.positions.getAllOpenPositions(), []);
});

test("the generated classes with their own base path work as well", async () => {
  const { name: _, keyId, secret } = await paddock.createKey("--preset", "read-only");
  const api = new trading.AccountsApi(new trading.Configuration({ keyId, secret, basePath: paddock.gateway }));
  assert.equal((await api.getAccount()).accountNumber, paddock.facts.account_number);
});

test("a bearer token, which is the secret alone", async () => {
  const { name, secret } = await paddock.createKey("--preset", "read-only");
  const bearer = paddock.clientOf({ name, accessToken: secret });
  assert.equal((await bearer.trading.account.getAccount()).status, "ACTIVE");
});

test("errors of the broker pass unchanged", async () => {
  await assert.rejects(orders().market({ symbol: "NOSUCHSYMBOL", qty: 1, side: "buy" }), (error) => {
    assert.ok(error instanceof ApiError);
    assert.equal(error.status, 422);
    assert.equal(error.code, 42210000);
    return true;
  });
});
