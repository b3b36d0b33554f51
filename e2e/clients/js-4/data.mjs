// Market data.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ifOffered, newClient } from "./context.mjs";

const ago = (days) => new Date(Date.now() - days * 86_400_000);
const STOCKS = "AAPL,MSFT", PAIRS = "BTC/USD,ETH/USD", OPTION = "AAPL271217C00200000";
const week = { start: ago(8), end: ago(1) };
const days = { timeframe: "1Day", start: ago(20), end: ago(1) };
const some = { start: ago(8), end: ago(1), limit: 50 };
const lately = { start: new Date(Date.now() - 600_000), limit: 50 };
const one = { symbol: "AAPL" };

/** The length of whatever the series are in. */
const count = (series) => Object.values(series).reduce((sum, of) => sum + of.length, 0);

/** Object and method, what it is asked, and what must be so of the answer. */
const offered = [
  ["stocks.stockBars", { symbols: STOCKS, ...days, adjustment: "all", feed: "iex" }, ({ bars }) => bars.AAPL.length >= 10 && bars.MSFT.length >= 10],
  ["stocks.stockBarSingle", { ...one, ...days }, ({ bars }) => bars.length >= 10 && bars[0].l <= bars[0].h],
  ["stocks.stockTrades", { symbols: STOCKS, ...some }, ({ trades }) => count(trades) === 50],
  ["stocks.stockTradeSingle", { ...one, ...some }, ({ trades }) => trades.length === 50],
  ["stocks.stockQuotes", { symbols: STOCKS, ...some }, ({ quotes }) => count(quotes) === 50],
  ["stocks.stockQuoteSingle", { ...one, ...some }, ({ quotes }) => quotes.every(({ bp, ap }) => bp <= ap)],
  ["stocks.stockLatestBars", { symbols: STOCKS }, ({ bars }) => bars.AAPL.c > 0 && bars.MSFT.c > 0],
  ["stocks.stockLatestBarSingle", one, ({ bar }) => bar.c > 0],
  ["stocks.stockLatestQuotes", { symbols: STOCKS }, ({ quotes }) => quotes.MSFT.ap > 0],
  ["stocks.stockLatestQuoteSingle", one, ({ quote }) => quote.bp <= quote.ap],
  ["stocks.stockLatestTrades", { symbols: STOCKS }, ({ trades }) => trades.MSFT.p > 0],
  ["stocks.stockLatestTradeSingle", one, ({ trade }) => trade.p > 0],
  ["stocks.stockSnapshots", { symbols: STOCKS }, (snapshots) => snapshots.MSFT.latestTrade.p > 0],
  ["stocks.stockSnapshotSingle", one, ({ dailyBar, prevDailyBar }) => dailyBar.v > 0 && prevDailyBar.v > 0],
  ["crypto.cryptoBars", { loc: "us", symbols: PAIRS, timeframe: "1Hour", ...some }, ({ bars }) => count(bars) === 50],
  ["crypto.cryptoTrades", { loc: "us", symbols: PAIRS, ...some }, ({ trades }) => count(trades) === 50],
  ["crypto.cryptoQuotes", { loc: "us", symbols: PAIRS, ...some }, ({ quotes }) => count(quotes) === 50],
  ["crypto.cryptoLatestBars", { loc: "us", symbols: PAIRS }, ({ bars }) => bars["BTC/USD"].c > 0],
  ["crypto.cryptoLatestTrades", { loc: "us", symbols: PAIRS }, ({ trades }) => trades["ETH/USD"].p > 0],
  ["crypto.cryptoLatestQuotes", { loc: "us", symbols: PAIRS }, ({ quotes }) => quotes["ETH/USD"].ap > 0],
  ["crypto.cryptoLatestOrderbooks", { loc: "us", symbols: PAIRS }, ({ orderbooks }) => orderbooks["BTC/USD"].b[0].p < orderbooks["BTC/USD"].a[0].p],
  ["crypto.cryptoSnapshots", { loc: "us", symbols: PAIRS }, ({ snapshots }) => snapshots["BTC/USD"].latestTrade.p > 0],
];
for (const [path, words, holds] of offered) {
  test(path, async () => {
    const [object, method] = path.split(".");
    const answer = await (await newClient()).marketData[object][method](words);
    assert.ok(holds(answer), JSON.stringify(answer).slice(0, 500));
  });
}

const perhaps = [
  ["stocks.stockAuctions", { symbols: STOCKS, ...week }, ({ auctions }) => auctions.AAPL.length > 0],
  ["stocks.stockAuctionSingle", { ...one, ...week }, ({ auctions }) => auctions.length > 0],
  ["stocks.stockMetaConditions", { ticktype: "trade", tape: "A" }, (conditions) => "@" in conditions || " " in conditions],
  ["stocks.stockMetaExchanges", undefined, (exchanges) => exchanges.V],
  ["news.news", { symbols: STOCKS, limit: 5 }, ({ news }) => news.length > 0],
  ["screener.mostActives", { top: 5 }, ({ mostActives }) => mostActives.length === 5],
  ["screener.movers", { marketType: "stocks", top: 5 }, ({ gainers, losers }) => gainers.length + losers.length > 0],
  ["corporateActions.corporateActions", { symbols: STOCKS, start: ago(365), end: ago(1) }, ({ corporateActions }) => corporateActions],
  ["logos.logos", one, () => true],
  ["forex.latestRates", { currencyPairs: "USDJPY" }, () => true],
  ["forex.rates", { currencyPairs: "USDJPY", ...week }, () => true],
  ["options.optionBars", { symbols: OPTION, ...days }, () => true],
  ["options.optionTrades", { symbols: OPTION, ...week }, () => true],
  ["options.optionLatestQuotes", { symbols: OPTION }, () => true],
  ["options.optionLatestTrades", { symbols: OPTION }, () => true],
  ["options.optionSnapshots", { symbols: OPTION }, () => true],
  ["options.optionChain", { underlyingSymbol: "AAPL" }, () => true],
  ["options.optionMetaConditions", { ticktype: "trade" }, () => true],
  ["options.optionMetaExchanges", undefined, () => true],
];
for (const [path, words, holds] of perhaps) {
  test(path, async () => {
    const [object, method] = path.split(".");
    const { marketData } = await newClient();
    const answer = await ifOffered(() => marketData[object][method](words));
    assert.ok(answer === undefined || holds(answer), JSON.stringify(answer)?.slice(0, 500));
  });
}

test("what Alpaca has taken out of its published interface is not found", async () => {
  const { marketData: { cryptoPerpetualFutures, fixedIncome, indices, ...rest } } = await newClient().then(({ marketData }) => ({ marketData }));
  const perpetual = { loc: "global", symbols: "BTC-PERP" };
  for (const call of [
    () => cryptoPerpetualFutures.cryptoPerpLatestBars(perpetual),
    () => cryptoPerpetualFutures.cryptoPerpLatestFuturesPricing(perpetual),
    () => cryptoPerpetualFutures.cryptoPerpLatestOrderbooks(perpetual),
    () => cryptoPerpetualFutures.cryptoPerpLatestQuotes(perpetual),
    () => cryptoPerpetualFutures.cryptoPerpLatestTrades(perpetual),
    () => fixedIncome.fixedIncomeLatestPrices({ isins: "US912797KJ59" }),
    () => fixedIncome.fixedIncomeLatestQuotes({ isins: "US912797KJ59" }),
    () => indices.indexLatestValues({ symbols: "SPX" }),
    () => indices.indexValues({ symbols: "SPX" }),
  ]) {
    await assert.rejects(call, ({ status, code }) => status === 404 && code === 40410000);
  }
});

test("latest price", async () => {
  assert.ok((await (await newClient()).marketData.getLatestPrice("AAPL")) > 0);
});

// Helpers over the same operations, which ask page by page.
const stocks = { symbols: ["AAPL", "MSFT"], ...days };
const pairs = { loc: "us", symbols: ["BTC/USD", "ETH/USD"], timeframe: "1Hour", start: ago(2), end: ago(1) };
const ticks = { symbols: ["AAPL"], ...lately };
const coins = { loc: "us", symbols: ["BTC/USD"], ...lately };
const single = (of) => ({ ...of, symbol: "AAPL", symbols: undefined });
const helpers = {
  getStockBars: [stocks], getStockBarsFor: ["AAPL", days], iterateStockBars: [stocks], collectStockBarsBySymbol: [stocks],
  getStockCandles: [stocks], getStockCandlesFor: ["AAPL", days],
  getCryptoBars: [pairs], getCryptoBarsFor: ["BTC/USD", pairs], iterateCryptoBars: [pairs], collectCryptoBarsBySymbol: [pairs],
  getCryptoCandles: [pairs], getCryptoCandlesFor: ["BTC/USD", pairs],
  getStockTrades: [ticks], getStockTradesFor: ["AAPL", lately], iterateStockTrades: [ticks], collectStockTradesBySymbol: [ticks],
  getStockQuotes: [ticks], getStockQuotesFor: ["AAPL", lately], iterateStockQuotes: [ticks], collectStockQuotesBySymbol: [ticks],
  getCryptoTrades: [coins], getCryptoTradesFor: ["BTC/USD", coins], iterateCryptoTrades: [coins], collectCryptoTradesBySymbol: [coins],
  getCryptoQuotes: [coins], getCryptoQuotesFor: ["BTC/USD", coins], iterateCryptoQuotes: [coins], collectCryptoQuotesBySymbol: [coins],
  iterateStockBarSingle: [single(days)], collectStockBarSingle: [single(days)],
  iterateStockTradeSingle: [single(lately)], collectStockTradeSingle: [single(lately)],
  iterateStockQuoteSingle: [single(lately)], collectStockQuoteSingle: [single(lately)],
};
test("helpers that ask page by page", async () => {
  const { marketData } = await newClient();
  for (const [name, words] of Object.entries(helpers)) {
    const answer = await marketData[name](...words);
    assert.ok((Array.isArray(answer) ? answer : Object.keys(answer)).length > 0, `${name} found nothing`);
  }
});

const contracts = { symbols: [OPTION], ...days };
const perhapsHelpers = {
  getStockAuctions: [{ symbols: ["AAPL"], ...week }],
  iterateStockAuctions: [{ symbols: ["AAPL"], ...week }],
  collectStockAuctionsBySymbol: [{ symbols: ["AAPL"], ...week }],
  iterateStockAuctionSingle: [single(week)],
  collectStockAuctionSingle: [single(week)],
  iterateNews: [{ symbols: ["AAPL"], start: ago(3), limit: 50 }],
  collectNews: [{ symbols: ["AAPL"], start: ago(3), limit: 50 }],
  iterateCorporateActionsPages: [{ symbols: ["AAPL"], start: ago(365), end: ago(1) }],
  collectCorporateActions: [{ symbols: ["AAPL"], start: ago(365), end: ago(1) }],
  iterateForexRates: [{ currencyPairs: ["USDJPY"], ...week }],
  collectForexRatesBySymbol: [{ currencyPairs: ["USDJPY"], ...week }],
  getOptionBars: [contracts], getOptionBarsFor: [OPTION, days], iterateOptionBars: [contracts], collectOptionBarsBySymbol: [contracts],
  iterateOptionTrades: [contracts], collectOptionTradesBySymbol: [contracts],
  iterateOptionSnapshots: [{ symbols: [OPTION] }], collectOptionSnapshotsBySymbol: [{ symbols: [OPTION] }],
  iterateOptionChain: [{ underlyingSymbol: "AAPL" }], collectOptionChainBySymbol: [{ underlyingSymbol: "AAPL" }],
};
test("helpers over what may not be offered", async () => {
  const { marketData } = await newClient();
  for (const [name, words] of Object.entries(perhapsHelpers)) await ifOffered(() => marketData[name](...words));
  const values = { symbols: ["SPX"] };
  for (const name of ["getIndexValues", "iterateIndexValues", "collectIndexValuesBySymbol"]) {
    await assert.rejects(() => marketData[name](values), ({ status }) => status === 404, name);
  }
});
