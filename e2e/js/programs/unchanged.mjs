// The SDK as its users write it, with Alpaca's own hosts. Prints what it found as JSON.

import { Alpaca } from "@alpacahq/alpaca-trade-api";

const { APCA_API_KEY_ID: keyId, APCA_API_SECRET_KEY: secret } = process.env;
const alpaca = new Alpaca({ keyId, secret, paper: process.argv[2] !== "live" });
const attempt = (call) => call.catch((error) => ({ refused: error.message, code: error.code }));

const account = await attempt(alpaca.trading.account.getAccount());
const price = await attempt(alpaca.marketData.getLatestPrice("AAPL"));
const placed = await attempt(alpaca.trading.orders.market({ symbol: "AAPL", qty: 1, side: "buy" }));
const order = placed.id ? await alpaca.trading.orders.getOrderByOrderID({ orderId: placed.id }) : placed;
const other = await attempt(alpaca.trading.orders.market({ symbol: "TSLA", qty: 1, side: "buy" }));
console.log(JSON.stringify({ account: account.accountNumber ?? account, price, status: order.status ?? order, other }));
process.exit(0);
