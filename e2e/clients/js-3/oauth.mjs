// The SDK with a token in place of a pair.

import assert from "node:assert/strict";
import { test } from "node:test";
import { token } from "../shared/oauth.mjs";
import { broker, clientOf } from "./context.mjs";

test("a token opens the account and data", async () => {
  const account = await broker.account();
  const { api } = clientOf({ oauth: await token(broker, account), url: account.url });
  assert.equal((await api.getAccount()).account_number, account.number);
  await api.createOrder({ symbol: "AAPL", side: "buy", qty: 1, type: "market", time_in_force: "day" });
  assert.ok((await api.getLatestTrade("AAPL")).Price > 0);
});
