// Account, assets, orders, positions and watchlists.

import assert from "node:assert/strict";
import { test } from "node:test";
import { broker, clientOf, newClient, refused } from "./context.mjs";

const resting = { symbol: "AAPL", side: "buy", qty: 1, type: "limit", limit_price: 1.5, time_in_force: "gtc" };

test("account, configuration, clock and calendar", async () => {
  const opened = await broker.account();
  const { api } = clientOf(opened);
  const account = await api.getAccount();
  assert.deepEqual([account.account_number, account.status, account.cash], [opened.number, "ACTIVE", "100000"]);
  // Alpaca has retired `dtbp_check`; the SDK's users go on sending it.
  const changed = await api.updateAccountConfigurations({ no_shorting: true, dtbp_check: "both" });
  assert.equal(changed.no_shorting, true);
  assert.equal((await api.getAccountConfigurations()).no_shorting, true);
  const history = await api.getPortfolioHistory({ period: "1W", timeframe: "1D" });
  assert.equal(history.equity.length, history.timestamp.length);
  assert.equal((await api.getClock()).is_open, true);
  const days = await api.getCalendar({ start: new Date("2025-01-06T12:00:00Z"), end: new Date("2025-01-10T12:00:00Z") });
  assert.equal(days.length, 4);
});

test("a wrong pair is unauthorized", async () => {
  const { api } = clientOf({ ...(await broker.account()), secret: "wrong" });
  await refused(() => api.getAccount(), 401, null, /unauthorized/);
});

test("assets", async () => {
  const { api } = await newClient();
  assert.equal((await api.getAsset("AAPL")).tradable, true);
  assert.ok((await api.getAssets({ asset_class: "crypto" })).some(({ symbol }) => symbol === "BTC/USD"));
});

const placed = [
  [{ symbol: "AAPL", side: "buy", qty: 2, type: "market", time_in_force: "day" }, "filled"],
  [{ symbol: "AAPL", side: "buy", notional: 50, type: "market", time_in_force: "day" }, "filled"],
  [{ symbol: "BTC/USD", side: "buy", qty: 0.01, type: "market", time_in_force: "gtc" }, "filled"],
  [{ ...resting, limit_price: "2000", time_in_force: "ioc" }, "filled"],
  [resting, "new"],
  [{ symbol: "AAPL", side: "buy", qty: 1, type: "stop", stop_price: 2000, time_in_force: "gtc" }, "new"],
  [{ symbol: "AAPL", side: "buy", qty: 1, type: "stop_limit", stop_price: 2000, limit_price: 2000.5, time_in_force: "day" }, "new"],
  [{ symbol: "AAPL", side: "buy", qty: 1, type: "trailing_stop", trail_percent: 50, time_in_force: "day" }, "new"],
  [{
    symbol: "AAPL", side: "buy", qty: 1, type: "market", time_in_force: "day", order_class: "bracket",
    take_profit: { limit_price: 2000 }, stop_loss: { stop_price: 1.5 },
  }, "filled"],
];
for (const [order, status] of placed) {
  test(`an order by ${order.order_class ?? order.type} is ${status}`, async () => {
    const { api } = await newClient();
    const { id } = await api.createOrder(order);
    assert.equal((await api.getOrder(id)).status, status);
  });
}

test("an order is found, replaced and canceled", async () => {
  const { api } = await newClient();
  const client_order_id = `js3-${crypto.randomUUID()}`;
  const first = await api.createOrder({ ...resting, client_order_id });
  assert.equal((await api.getOrderByClientId(client_order_id)).id, first.id);
  const second = await api.replaceOrder(first.id, { qty: "3" });
  assert.deepEqual([second.replaces, second.qty], [first.id, "3"]);
  assert.deepEqual((await api.getOrders({ status: "open", limit: 5, symbols: "AAPL" })).map(({ id }) => id), [second.id]);
  await api.cancelOrder(second.id);
  await refused(() => api.cancelOrder(second.id), 422, 42210000, /already/);
  await refused(() => api.createOrder({ ...resting, client_order_id }), 422, 40010001, /must be unique/);
  const { id } = await api.createOrder(resting);
  assert.deepEqual((await api.cancelAllOrders()).map((answer) => [answer.id, answer.status]), [[id, 200]]);
});

test("positions and activities", async () => {
  const { api } = await newClient();
  for (const symbol of ["AAPL", "MSFT"]) await api.createOrder({ symbol, side: "buy", qty: 4, type: "market", time_in_force: "day" });
  assert.equal((await api.getPositions()).length, 2);
  assert.equal((await api.getPosition("AAPL")).qty, "4");
  assert.equal((await api.closePosition("AAPL")).side, "sell");
  assert.deepEqual((await api.closeAllPositions()).map(({ symbol, status }) => [symbol, status]), [["MSFT", 200]]);
  await refused(() => api.getPosition("AAPL"), 404, 40410000);
  assert.equal((await api.getAccountActivities({ activityTypes: ["FILL"], pageSize: 50 })).length, 4);
});

test("refusals", async () => {
  const { api } = await newClient();
  const order = { side: "buy", qty: 1, type: "market", time_in_force: "day" };
  await refused(() => api.createOrder({ ...order, symbol: "NOSUCHSYMBOL" }), 422, 42210000, /not found/);
  await refused(() => api.createOrder({ ...order, symbol: "AAPL", qty: 1e8 }), 403, 40310000, /buying power/);
});

test("watchlists", async () => {
  const { api } = await newClient();
  const symbols = ({ assets }) => assets.map(({ symbol }) => symbol);
  const { id } = await api.addWatchlist("tech", ["AAPL"]);
  assert.equal((await api.getWatchlists())[0].id, id);
  await api.addToWatchlist(id, "MSFT");
  await api.deleteFromWatchlist(id, "AAPL");
  assert.deepEqual(symbols(await api.getWatchlist(id)), ["MSFT"]);
  assert.deepEqual(symbols(await api.updateWatchlist(id, { name: "one", symbols: ["IBM"] })), ["IBM"]);
  await api.deleteWatchlist(id);
  await refused(() => api.getWatchlist(id), 404, 40410000);
});

test("any request by hand", async () => {
  const { api } = await newClient();
  assert.equal((await api.sendRequest("/account")).status, "ACTIVE");
  assert.equal((await api.httpRequest("/clock")).data.is_open, true);
  // It asks under /v1, where Alpaca has had no data for years.
  await assert.rejects(() => api.dataHttpRequest("/last/stocks/AAPL"), ({ response }) => response.status === 404);
});
