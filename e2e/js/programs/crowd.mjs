// Streams of the JavaScript SDK: as many as standard input lists. Prints what they hear, a line for each thing.

import { createInterface } from "node:readline";
import { streaming } from "@alpacahq/alpaca-trade-api";

const { CryptoDataStream, StockDataStream, TradingStream } = streaming;
const say = (fact) => console.log(JSON.stringify(fact));
const kinds = { trades: "Trade", quotes: "Quote" };

function open({ name, hears, symbols, url, key_id: keyId, secret_key: secret }) {
  const credentials = { keyId, secret };
  if (hears === "updates") {
    const stream = new TradingStream({ credentials, url: `${url}/stream` });
    stream.onTradeUpdate(({ order, event }) => say({ client: name, order: order.id, event }));
    stream.on("error", (error) => console.error(name, error));
    stream.subscribeTradeUpdates();
    stream.connect();
    return;
  }
  const crypto = hears === "crypto";
  const stream = crypto
    ? new CryptoDataStream({ credentials, url: `${url}/v1beta3/crypto/us` })
    : new StockDataStream({ credentials, url: `${url}/v2/iex` });
  const kind = kinds[crypto ? "trades" : hears];
  stream[`on${kind}`](({ symbol }) => say({ client: name, kind: kind.toLowerCase(), symbol }));
  stream.on("error", (error) => console.error(name, error));
  stream.connect();
  stream.waitForAuthentication().then(() => stream[`subscribeFor${kind}s`](symbols));
}

for await (const line of createInterface({ input: process.stdin })) {
  JSON.parse(line).forEach(open);
}
