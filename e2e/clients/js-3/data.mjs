// Market data.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ifOffered, newClient } from "./context.mjs";

const ago = (days) => new Date(Date.now() - days * 86_400_000).toISOString();
const STOCKS = ["AAPL", "MSFT"], PAIRS = ["BTC/USD", "ETH/USD"], OPTION = "AAPL271217C00200000";
// The SDK takes out of its options what it has read, so that each call needs its own.
const some = () => ({ start: ago(8), end: ago(1), limit: 50 });
const days = () => ({ start: ago(20), end: ago(1), timeframe: "1Day" });

/** How many there are of a map of series, or of a series. */
const count = (found) => (Array.isArray(found) ? found.length : [...found.values()].reduce((sum, of) => sum + of.length, 0));

test("stocks", async () => {
  const { api } = await newClient();
  assert.equal(await api.newTimeframe(30, api.timeframeUnit.MIN), "30Min");
  assert.ok(count(await api.getBarsV2("AAPL", days())) >= 10);
  const bars = await api.getMultiBarsV2(STOCKS, { ...days(), adjustment: api.adjustment.ALL });
  assert.ok(bars.get("MSFT").every(({ LowPrice, HighPrice }) => LowPrice <= HighPrice));
  assert.ok(count(await api.getMultiBarsAsyncV2(STOCKS, days())) >= 20);
  for (const series of ["Trades", "Quotes"]) {
    assert.equal(count(await api[`get${series}V2`]("AAPL", some())), 50, series);
    assert.equal(count(await api[`getMulti${series}V2`](STOCKS, some())), 50, series);
    assert.equal(count(await api[`getMulti${series}AsyncV2`](STOCKS, some())), 50, series);
  }
});

test("latest of stocks", async () => {
  const { api } = await newClient();
  assert.ok((await api.getLatestTrade("AAPL")).Price > 0);
  assert.ok((await api.getLatestQuote("AAPL")).AskPrice > 0);
  assert.ok((await api.getLatestBar("AAPL")).ClosePrice > 0);
  for (const latest of ["getLatestTrades", "getLatestQuotes", "getLatestBars"]) {
    assert.deepEqual([...(await api[latest](STOCKS)).keys()].sort(), STOCKS, latest);
  }
  assert.ok((await api.getSnapshot("AAPL")).LatestTrade.Price > 0);
  assert.equal((await api.getSnapshots(STOCKS)).length, 2);
});

test("crypto", async () => {
  const { api } = await newClient();
  assert.equal(count(await api.getCryptoBars(PAIRS, { ...some(), timeframe: "1Hour" })), 50);
  assert.equal(count(await api.getCryptoTrades(PAIRS, some())), 50);
  assert.equal(count(await api.getCryptoQuotes(PAIRS, some())), 50);
  for (const latest of ["getLatestCryptoTrades", "getLatestCryptoQuotes", "getLatestCryptoBars", "getCryptoSnapshots", "getCryptoOrderbooks"]) {
    assert.deepEqual([...(await api[latest](PAIRS)).keys()].sort(), PAIRS, latest);
  }
});

test("news and corporate actions", async () => {
  const { api } = await newClient();
  const news = await ifOffered(() => api.getNews({ symbols: STOCKS, totalLimit: 5 }));
  assert.ok(news === undefined || (news.length > 0 && news[0].Headline));
});

test("options", async () => {
  const { api } = await newClient();
  await ifOffered(() => api.getOptionBars([OPTION], days()));
  await ifOffered(() => api.getOptionTrades([OPTION], some()));
  await ifOffered(() => api.getOptionLatestTrades([OPTION]));
  await ifOffered(() => api.getOptionLatestQuotes([OPTION]));
  await ifOffered(() => api.getOptionSnapshots([OPTION]));
  await ifOffered(() => api.getOptionChain("AAPL", {}));
});

test("corporate actions are asked for where they were", async () => {
  const { api } = await newClient();
  await assert.rejects(() => api.getCorporateActions(STOCKS, { start: ago(365).slice(0, 10), end: ago(1).slice(0, 10) }), /code: 404/);
});
