// Account, assets, orders, positions, watchlists, and what a real account without these features is refused.

import assert from "node:assert/strict";
import { test } from "node:test";
import { broker, clientOf, ifOffered, newClient, refused, surface } from "./context.mjs";

const NOBODY = "00000000-0000-0000-0000-000000000000";
const resting = { symbol: "AAPL", side: "buy", qty: "1", limitPrice: "1.5", timeInForce: "gtc" };

test("account, configuration and history", async () => {
  const opened = await broker.account();
  const { trading } = clientOf(opened);
  const account = await trading.account.getAccount();
  assert.deepEqual([account.accountNumber, account.status, account.cash], [opened.number, "ACTIVE", "100000"]);
  const check = await trading.validateConnection();
  assert.equal(check.ok && check.account.id, account.id);
  const before = await trading.accountConfigurations.getAccountConfig();
  const changed = { accountConfigurations: { ...before, noShorting: true } };
  assert.equal((await trading.accountConfigurations.patchAccountConfig(changed)).noShorting, true);
  const history = await trading.portfolioHistory.getAccountPortfolioHistory({ period: "1W", timeframe: "1D" });
  assert.equal(history.equity.length, history.timestamp.length);
});

test("a wrong pair is told", async () => {
  const { trading } = clientOf({ ...(await broker.account()), secret: "wrong" });
  await refused(() => trading.account.getAccount(), 401, null, /unauthorized/);
  assert.deepEqual(await trading.validateConnection().then(({ ok, status }) => [ok, status]), [false, 401]);
});

test("clocks and calendars", async () => {
  const { trading } = await newClient();
  assert.equal((await trading.clock.legacyClock()).isOpen, true);
  const { clocks } = await trading.clock.clock({ markets: "NYSE,NASDAQ" });
  assert.equal(clocks.length, 2);
  const week = { start: new Date("2025-01-06"), end: new Date("2025-01-10") };
  // 2025-01-09 was a national day of mourning: the market stayed shut.
  assert.equal((await trading.calendar.legacyCalendar(week)).length, 4);
  assert.equal((await trading.calendar.calendar({ market: "NYSE", ...week })).calendar.length, 4);
});

test("assets", async () => {
  const { trading } = await newClient();
  const asset = await trading.assets.getV2AssetsSymbolOrAssetId({ symbolOrAssetId: "AAPL" });
  assert.deepEqual([asset.symbol, asset.tradable], ["AAPL", true]);
  const pairs = await trading.assets.getV2Assets({ assetClass: "crypto" });
  assert.ok(pairs.some(({ symbol }) => symbol === "BTC/USD"));
});

test("option contracts", async () => {
  const { trading } = await newClient();
  // Without dates only this week's are listed, of which there is none after Friday's close.
  const expirationDateLte = new Date(Date.now() + 14 * 86_400_000);
  const page = { underlyingSymbols: "AAPL", expirationDateLte, limit: 5 };
  const contracts = await ifOffered(() => trading.assets.getOptionsContracts(page));
  const symbolOrId = contracts?.optionContracts[0].symbol ?? "AAPL271217C00200000";
  const one = await ifOffered(() => trading.assets.getOptionContractSymbolOrId({ symbolOrId }));
  assert.equal(one?.underlyingSymbol, contracts && "AAPL");
  const near = { underlyingSymbols: "AAPL", expirationDateLte, type: "call", limit: 10_000 };
  await ifOffered(() => trading.iterateOptionsContracts(near));
  await ifOffered(() => trading.collectOptionsContracts(near));
});

test("announcements", async () => {
  const { trading } = await newClient();
  const day = (ago) => new Date(Date.now() - ago * 86_400_000).toISOString().slice(0, 10);
  const wanted = { caTypes: "dividend", since: day(80), until: day(0) };
  for (const { id } of await trading.corporateActions.getV2CorporateActionsAnnouncements(wanted)) {
    assert.equal((await trading.corporateActions.getV2CorporateActionsAnnouncementsId({ id })).id, id);
  }
  const unknown = trading.corporateActions.getV2CorporateActionsAnnouncementsId;
  await refused(() => unknown({ id: NOBODY }), 404, 40410000);
});

const placed = [
  ["market", { symbol: "AAPL", side: "buy", qty: 2 }, "filled"],
  ["market", { symbol: "AAPL", side: "buy", notional: 50 }, "filled"],
  ["market", { symbol: "BTC/USD", side: "buy", qty: "0.01", timeInForce: "gtc" }, "filled"],
  ["limit", { ...resting, limitPrice: "2000", timeInForce: "ioc" }, "filled"],
  ["limit", resting, "new"],
  ["stop", { symbol: "AAPL", side: "buy", qty: 1, stopPrice: "2000" }, "new"],
  ["stopLimit", { symbol: "AAPL", side: "buy", qty: 1, stopPrice: "2000", limitPrice: "2000.5" }, "new"],
  ["trailingStop", { symbol: "AAPL", side: "buy", qty: 1, trailPercent: "50" }, "new"],
  ["bracket", { symbol: "AAPL", side: "buy", qty: 1, takeProfit: { limitPrice: "2000" }, stopLoss: { stopPrice: "1.5" } }, "filled"],
  ["oto", { symbol: "AAPL", side: "buy", qty: 1, stopLoss: { stopPrice: "1.5" } }, "filled"],
  ["submit", { type: "limit", symbol: "AAPL", side: "buy", qty: 1, limitPrice: "1.5", timeInForce: "day", extendedHours: true }, "new"],
];
for (const [kind, input, status] of placed) {
  test(`an order by ${kind} is ${status}`, async () => {
    const { trading } = await newClient();
    const { id } = await trading.orders[kind](input);
    assert.equal((await trading.orders.getOrderByOrderID({ orderId: id, nested: true })).status, status);
  });
}

test("one cancels the other", async () => {
  const { trading } = await newClient();
  await trading.orders.market({ symbol: "AAPL", side: "buy", qty: 2 });
  const exits = { takeProfit: { limitPrice: "2000" }, stopLoss: { stopPrice: "1.5" } };
  const { id } = await trading.orders.oco({ symbol: "AAPL", side: "sell", qty: 2, timeInForce: "gtc", ...exits });
  const [{ legs }] = await trading.orders.getAllOrders({ nested: true, symbols: ["AAPL"] });
  assert.equal(legs.length, 1);
  await trading.orders.deleteOrderByOrderID({ orderId: id });
  assert.deepEqual(await trading.orders.getAllOrders(), []);
});

test("an order is found, replaced and canceled", async () => {
  const { trading } = await newClient();
  const clientOrderId = `js-${crypto.randomUUID()}`;
  const postOrderRequest = { ...resting, type: "limit", clientOrderId };
  const first = await trading.orders.postOrder({ postOrderRequest });
  assert.equal((await trading.orders.getOrderByClientOrderId({ clientOrderId })).id, first.id);
  const second = await trading.orders.patchOrderByOrderId({ orderId: first.id, patchOrderRequest: { qty: "3" } });
  assert.deepEqual([second.replaces, second.qty], [first.id, "3"]);
  const [answer] = await trading.orders.deleteAllOrders();
  assert.deepEqual([answer.id, answer.status], [second.id, 200]);
  await refused(() => trading.orders.deleteOrderByOrderID({ orderId: second.id }), 422, 42210000, /already/);
  await refused(() => trading.orders.postOrder({ postOrderRequest }), 422, 40010001, /must be unique/);
});

test("an order is waited for", async () => {
  const account = await broker.account();
  const { trading } = clientOf(account);
  const stream = await trading.stream({ url: account.url.replace("http", "ws") + "/stream" });
  stream.connect();
  const order = await trading.submitAndWait({ type: "market", symbol: "AAPL", side: "buy", qty: 1, timeInForce: "day" }, { stream });
  stream.disconnect();
  assert.equal(order.status, "filled");
});

test("positions and activities", async () => {
  const { trading } = await newClient();
  for (const symbol of ["AAPL", "MSFT"]) await trading.orders.market({ symbol, side: "buy", qty: 4 });
  assert.equal((await trading.positions.getAllOpenPositions()).length, 2);
  const sold = await trading.positions.deleteOpenPosition({ symbolOrAssetId: "AAPL", qty: 1 });
  assert.deepEqual([sold.side, sold.qty], ["sell", "1"]);
  assert.equal((await trading.positions.getOpenPosition({ symbolOrAssetId: "AAPL" })).qty, "3");
  assert.equal((await trading.closeAllPositions({ cancelOrders: true })).length, 2);
  assert.deepEqual(await trading.positions.deleteAllOpenPositions(), []);
  await refused(() => trading.positions.getOpenPosition({ symbolOrAssetId: "AAPL" }), 404, 40410000);

  const fills = await trading.accountActivities.getAccountActivities({ activityTypes: ["FILL"], pageSize: 100 });
  assert.equal(fills.length, 5);
  const oneType = { activityType: "FILL", pageSize: 2 };
  assert.equal((await trading.accountActivities.getAccountActivitiesByActivityType(oneType)).length, 2);
  for (const all of ["iterateActivities", "collectActivities"]) assert.equal((await trading[all]({ pageSize: 2 })).length, 5, all);
  for (const all of ["iterateActivitiesByType", "collectActivitiesByType"]) assert.equal((await trading[all](oneType)).length, 5, all);
});

test("options and refusals", async () => {
  const { trading } = await newClient();
  const contract = { symbolOrContractId: "AAPL271217C00200000" };
  await refused(() => trading.positions.optionExercise(contract), 403, 40310000);
  await refused(() => trading.positions.optionDoNotExercise(contract), 403, 40310000);
  await refused(() => trading.orders.market({ symbol: "NOSUCHSYMBOL", side: "buy", qty: 1 }), 422, 42210000, /not found/);
  await refused(() => trading.orders.market({ symbol: "AAPL", side: "buy", qty: 1e8 }), 403, 40310000, /buying power/);
  const legs = ["buy", "sell"].map((side, n) => ({ symbol: `AAPL271217C0020${n}000`, side, ratioQty: "1" }));
  const spread = { type: "market", orderClass: "mleg", qty: 1, timeInForce: "day", legs };
  await refused(() => trading.orders.submit(spread), 422, 42210000);
});

test("watchlists", async () => {
  const { trading: { watchlists } } = await newClient();
  const symbols = ({ assets }) => assets.map(({ symbol }) => symbol);
  const { id: watchlistId } = await watchlists.postWatchlist({ createWatchlistRequest: { name: "tech", symbols: ["AAPL"] } });
  assert.equal((await watchlists.getWatchlists())[0].id, watchlistId);
  const add = (symbol) => ({ addAssetToWatchlistRequest: { symbol } });
  await watchlists.addAssetToWatchlist({ watchlistId, ...add("MSFT") });
  await watchlists.addAssetToWatchlistByName({ name: "tech", ...add("IBM") });
  assert.deepEqual(symbols(await watchlists.getWatchlistByName({ name: "tech" })), ["AAPL", "MSFT", "IBM"]);
  await watchlists.removeAssetFromWatchlist({ watchlistId, symbol: "MSFT" });
  await watchlists.updateWatchlistById({ watchlistId, updateWatchlistRequest: { name: "one", symbols: ["SPY"] } });
  await watchlists.updateWatchlistByName({ name: "one", updateWatchlistRequest: { name: "two", symbols: ["QQQ"] } });
  assert.deepEqual(symbols(await watchlists.getWatchlistById({ watchlistId })), ["QQQ"]);
  await watchlists.deleteWatchlistByName({ name: "two" });
  const another = await watchlists.postWatchlist({ createWatchlistRequest: { name: "another" } });
  await watchlists.deleteWatchlistById({ watchlistId: another.id });
  await refused(() => watchlists.getWatchlistById({ watchlistId }), 404, 40410000);
});

test("wallets, locates and tokens are those of an account without them", async () => {
  const { trading: { cryptoFunding, locates, tokenization, events } } = await newClient();
  // The SDK was made from a description in which these lists are one object each, and makes one without content of them.
  for (const list of ["listCryptoFundingTransfers", "listWhitelistedAddress", "listCryptoFundingWallets"]) {
    assert.ok(Object.values(await cryptoFunding[list]()).every((value) => value === undefined), list);
    surface.cannotRead(list);
  }
  const transfer = { amount: "1", address: "0xabc", asset: "ETH" };
  for (const call of [
    () => cryptoFunding.createCryptoTransferForAccount({ createCryptoTransferRequest: transfer }),
    () => cryptoFunding.createWhitelistedAddress({ createWhitelistedAddressRequest: { address: "0xabc", asset: "ETH" } }),
    () => cryptoFunding.deleteWhitelistedAddress({ whitelistedAddressId: NOBODY }),
    () => cryptoFunding.getCryptoTransferEstimate({ asset: "ETH", amount: "1", fromAddress: "0x1", toAddress: "0x2" }),
    () => tokenization.getTokenizationRequest({ tokenizationRequestId: NOBODY }),
    () => tokenization.getTokenizationRequestByClientRequestID({ clientRequestId: NOBODY }),
    () => tokenization.getTokenizationRequests(),
    () => tokenization.postTokenizationMint({
      tokenizationMintRequest: { issuer: "xstocks", network: "solana", qty: "1", underlyingSymbol: "AAPL", walletAddress: "abc" },
    }),
  ]) {
    await refused(call, 403, 40310000);
  }
  await refused(() => cryptoFunding.getCryptoFundingTransfer({ transferId: NOBODY }), 404, 40410000);
  await locates.listLocates();
  await refused(() => locates.listLocateQuotes({ symbols: "AAPL" }), 403, null, /Forbidden/);
  await refused(() => locates.createLocates({ createLocateRequest: { symbol: "AAPL", qty: 1 } }), 403, null, /Forbidden/);
  await refused(() => locates.getLocate({ locateId: NOBODY }), 404, null);
  // The SDK takes this stream for a list, and cannot read it.
  const hour = { since: new Date(Date.now() - 7_200_000), until: new Date(Date.now() - 3_600_000) };
  await assert.rejects(() => events.subscribeToActivitiesSSE(hour), SyntaxError);
});
