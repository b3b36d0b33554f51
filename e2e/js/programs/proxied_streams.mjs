// The SDK's streams at Alpaca's own hosts, through whatever proxy the environment names: by the SDK's own option, with Node's own agent.
// Prints the first trade update and the first trade that it hears as JSON.

import https from "node:https";
import { Alpaca, streaming } from "@alpacahq/alpaca-trade-api";
import { WebSocket } from "ws";

const { APCA_API_KEY_ID: keyId, APCA_API_SECRET_KEY: secret } = process.env;
const credentials = { keyId, secret };
const agent = new https.Agent({ proxyEnv: process.env });
const wsFactory = (url, codec) =>
  new WebSocket(url, { agent, perMessageDeflate: false, headers: codec === "msgpack" ? { "Content-Type": "application/msgpack" } : {} });

const updates = new streaming.TradingStream({ credentials, paper: true, wsFactory });
const prices = new streaming.StockDataStream({ credentials, feed: "iex", wsFactory });
const first = (stream, on) =>
  new Promise((resolve, reject) => {
    stream[on](resolve);
    stream.on("error", reject);
  });
const heard = Promise.all([first(updates, "onTradeUpdate"), first(prices, "onTrade")]);

updates.subscribeTradeUpdates();
updates.connect();
prices.connect();
await prices.waitForAuthentication();
prices.subscribeForTrades(["AAPL"]);

// The SDK does not say when it listens: an order is placed again until it is heard of.
const alpaca = new Alpaca({ keyId, secret, paper: true });
const placing = setInterval(() => alpaca.trading.orders.market({ symbol: "AAPL", qty: 1, side: "buy" }).catch(console.error), 500);
const [update, trade] = await heard;
clearInterval(placing);
console.log(JSON.stringify({ update: { symbol: update.order.symbol, event: update.event }, trade: trade.symbol }));
process.exit(0);
