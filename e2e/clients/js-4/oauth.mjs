// The SDK with a token in place of a pair.

import assert from "node:assert/strict";
import { test } from "node:test";
import { token } from "../shared/oauth.mjs";
import { broker, clientOf, refused } from "./context.mjs";

test("a token opens the account and data", async () => {
  const account = await broker.account();
  const { trading, marketData } = clientOf({ accessToken: await token(broker, account), url: account.url });
  assert.equal((await trading.account.getAccount()).accountNumber, account.number);
  await trading.orders.market({ symbol: "AAPL", side: "buy", qty: 1 });
  assert.ok((await marketData.getLatestPrice("AAPL")) > 0);
});

test("a token does what its scope says", async () => {
  const account = await broker.account();
  const { trading } = clientOf({ accessToken: await token(broker, account, "data"), url: account.url });
  assert.equal((await trading.account.getAccount()).accountNumber, account.number);
  await refused(() => trading.orders.market({ symbol: "AAPL", side: "buy", qty: 1 }), 403, 40310000, /insufficient scope/);
});
