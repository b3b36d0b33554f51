// What a scope does not allow is refused, and Alpaca's SDK throws its own error with the code and the reason.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, beforeEach, describe, test } from "node:test";
import { AuthError, PermissionError } from "@alpacahq/alpaca-trade-api";
import { startPaddock } from "./paddock.mjs";

// The stable numbers of Paddock's refusals.
const FROZEN = 40390001;
const OPERATION_NOT_ALLOWED = 40390004;
const SYMBOL_NOT_ALLOWED = 40390006;
const SIDE_NOT_ALLOWED = 40390008;
const ORDER_NOTIONAL_EXCEEDED = 40390010;
const DAILY_ORDERS_EXCEEDED = 40390012;
const INVALID_CREDENTIAL = 40190002;

let paddock;
let trader;
let settingsReader;

before(async () => {
  paddock = await startPaddock();
  trader = await paddock.client("--preset", "trader");
  settingsReader = await paddock.client("--allow", "getAccountConfig");
});
after(async () => assert.equal(await paddock?.stop(), 0));
beforeEach(() => trader.trading.closeAllPositions({ cancelOrders: true }));

const buy = (symbol, qty = 1) => ({ symbol, qty, side: "buy" });
const resting = (symbol, qty = 1, limitPrice = 1.5) => ({ ...buy(symbol, qty), limitPrice, timeInForce: "gtc" });

async function refused(call, code, ...words) {
  await assert.rejects(call, (error) => {
    assert.ok(error instanceof PermissionError, String(error));
    assert.equal(error.status, 403);
    assert.equal(error.code, code, error.message);
    for (const word of words) assert.ok(error.message.includes(word), error.message);
    return true;
  });
}

const someId = randomUUID();
const calls = {
  getAccount: (a) => a.trading.account.getAccount(),
  "get-v2-assets-symbol_or_asset_id": (a) =>
    a.trading.assets.getV2AssetsSymbolOrAssetId({ symbolOrAssetId: "AAPL" }),
  LegacyClock: (a) => a.trading.clock.legacyClock(),
  LegacyCalendar: (a) => a.trading.calendar.legacyCalendar(),
  StockBars: (a) => a.marketData.getStockBars({ symbols: ["AAPL"], timeframe: "1Day" }),
  CryptoBars: (a) => a.marketData.getCryptoBars({ loc: "us", symbols: ["BTC/USD"], timeframe: "1Day" }),
  postOrder: (a) => a.trading.orders.market(buy("AAPL")),
  getOrderByOrderID: (a) => a.trading.orders.getOrderByOrderID({ orderId: someId }),
  getOrderByClientOrderId: (a) => a.trading.orders.getOrderByClientOrderId({ clientOrderId: "mine" }),
  getAllOrders: (a) => a.trading.orders.getAllOrders(),
  patchOrderByOrderId: (a) =>
    a.trading.orders.patchOrderByOrderId({ orderId: someId, patchOrderRequest: { qty: "2" } }),
  deleteOrderByOrderID: (a) => a.trading.orders.deleteOrderByOrderID({ orderId: someId }),
  deleteAllOrders: (a) => a.trading.orders.deleteAllOrders(),
  getAllOpenPositions: (a) => a.trading.positions.getAllOpenPositions(),
  deleteOpenPosition: (a) => a.trading.positions.deleteOpenPosition({ symbolOrAssetId: "AAPL" }),
  deleteAllOpenPositions: (a) => a.trading.closeAllPositions(),
};

describe("an operation outside the scope", () => {
  for (const [operation, call] of Object.entries(calls)) {
    test(operation, () => refused(() => call(settingsReader), OPERATION_NOT_ALLOWED, operation));
  }
});

test("a symbol", async () => {
  const bot = await paddock.client("--preset", "trader", "--symbols", "AAPL");
  await bot.trading.orders.market(buy("AAPL"));
  await refused(() => bot.trading.orders.market(buy("MSFT")), SYMBOL_NOT_ALLOWED, "MSFT", "AAPL");
  await trader.trading.orders.market(buy("MSFT"));
  const close = { symbolOrAssetId: "MSFT" };
  await refused(() => bot.trading.positions.deleteOpenPosition(close), SYMBOL_NOT_ALLOWED, "MSFT");
  await refused(() => bot.trading.closeAllPositions(), SYMBOL_NOT_ALLOWED, "MSFT");
});

test("a side", async () => {
  const buyer = await paddock.client("--preset", "trader", "--side", "buy");
  await buyer.trading.orders.market(buy("AAPL"));
  await refused(() => buyer.trading.orders.market({ ...buy("AAPL"), side: "sell" }), SIDE_NOT_ALLOWED, "sell");
  const close = { symbolOrAssetId: "AAPL" };
  await refused(() => buyer.trading.positions.deleteOpenPosition(close), SIDE_NOT_ALLOWED, "sell");
});

test("the notional of one order, placed or replaced", async () => {
  const bot = await paddock.client("--preset", "trader", "--max-notional", "1000");
  await refused(() => bot.trading.orders.limit(resting("AAPL", 11, 100)), ORDER_NOTIONAL_EXCEEDED, "1,100", "1,000");
  const { id } = await bot.trading.orders.limit(resting("AAPL", 10, 100));
  const replace = { orderId: id, patchOrderRequest: { qty: "11" } };
  await refused(() => bot.trading.orders.patchOrderByOrderId(replace), ORDER_NOTIONAL_EXCEEDED, "1,100");
});

test("the orders of a day", async () => {
  const bot = await paddock.client("--preset", "trader", "--max-daily-orders", "1");
  await bot.trading.orders.limit(resting("AAPL"));
  await refused(() => bot.trading.orders.limit(resting("AAPL")), DAILY_ORDERS_EXCEEDED);
});

test("a frozen key cancels and does nothing else", async () => {
  const bot = await paddock.client("--preset", "trader");
  const { id } = await bot.trading.orders.limit(resting("AAPL"));
  await paddock.cli("key", "freeze", bot.keyName);
  await refused(() => bot.trading.account.getAccount(), FROZEN, "frozen");
  await refused(() => bot.trading.orders.limit(resting("AAPL")), FROZEN, "frozen");
  await bot.trading.orders.deleteOrderByOrderID({ orderId: id });
  await paddock.cli("key", "unfreeze", bot.keyName);
  assert.equal((await bot.trading.account.getAccount()).status, "ACTIVE");
});

test("a revoked key, and one that never was", async () => {
  const bot = await paddock.client("--preset", "read-only");
  assert.equal((await bot.trading.account.getAccount()).status, "ACTIVE");
  await paddock.cli("key", "revoke", bot.keyName);
  const stranger = paddock.clientOf({ name: "stranger", keyId: "PDKNOSUCHKEY", secret: "nosuchsecret" });
  for (const client of [bot, stranger]) {
    await assert.rejects(client.trading.account.getAccount(), (error) => {
      assert.ok(error instanceof AuthError);
      assert.equal(error.code, INVALID_CREDENTIAL);
      return true;
    });
  }
});
