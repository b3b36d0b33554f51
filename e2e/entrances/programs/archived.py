"""alpaca-trade-api as its users write it: no address and no key in the code. Prints what it found as JSON."""

import json
import logging
import os
import threading
import time
from datetime import date, timedelta

from alpaca_trade_api import REST, Stream
from alpaca_trade_api.rest import APIError

logging.disable(logging.CRITICAL)
PATIENCE_SECONDS = 30

api = REST()
found = {"account": api.get_account().account_number}
found["ask"] = float(api.get_latest_quote("AAPL").ap)
found["bars"] = len(api.get_bars("AAPL", "1Day", start=str(date.today() - timedelta(days=10))))

updates, trades = [], []


async def keep_update(update) -> None:
    updates.append((update.order["id"], update.event))


async def keep_trade(trade) -> None:
    trades.append(trade.symbol)


stream = Stream()
stream.subscribe_trade_updates(keep_update)
stream.subscribe_trades(keep_trade, "AAPL")
threading.Thread(target=stream.run, daemon=True).start()


def until(ready, act=lambda: None) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not ready():
        assert time.monotonic() < deadline, (updates, trades)
        act()
        time.sleep(0.1)


resting = {"symbol": "AAPL", "qty": 1, "side": "buy", "type": "limit", "time_in_force": "gtc", "limit_price": "1.50"}
# The client does not say when it listens: orders that rest are placed until one is heard of.
until(lambda: updates, lambda: api.cancel_order(api.submit_order(**resting).id))
bought = api.submit_order("AAPL", 1).id
until(lambda: (bought, "fill") in updates)
until(lambda: trades)
found["updates"] = [event for order, event in updates if order == bought]
found["trade"] = trades[0]
try:
    api.submit_order("TSLA", 1)
except APIError as error:
    found["refused"] = str(error)
print(json.dumps(found), flush=True)
# Its streams look only every few seconds whether they were stopped.
os._exit(0)
