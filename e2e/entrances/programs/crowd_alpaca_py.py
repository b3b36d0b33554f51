"""Streams of alpaca-py: as many as standard input lists, each a program of its own. Prints what they hear, a line for each thing."""

import json
import logging
import sys
import threading

from alpaca.data.enums import DataFeed
from alpaca.data.live import CryptoDataStream, StockDataStream
from alpaca.trading.stream import TradingStream

logging.disable(logging.CRITICAL)
printing = threading.Lock()


def say(**fact) -> None:
    with printing:
        print(json.dumps(fact), flush=True)


def open_stream(client: dict):
    name, pair, url = client["name"], (client["key_id"], client["secret_key"]), client["url"]

    async def data(message) -> None:
        say(client=name, kind=type(message).__name__.lower(), symbol=message.symbol)

    async def update(message) -> None:
        say(client=name, order=str(message.order.id), event=str(message.event))

    if client["hears"] == "updates":
        stream = TradingStream(*pair, url_override=f"{url}/stream")
        stream.subscribe_trade_updates(update)
    elif client["hears"] == "crypto":
        stream = CryptoDataStream(*pair, url_override=f"{url}/v1beta3/crypto/us")
        stream.subscribe_trades(data, *client["symbols"])
    else:
        stream = StockDataStream(*pair, feed=DataFeed.IEX, url_override=f"{url}/v2/iex")
        getattr(stream, f"subscribe_{client['hears']}")(data, *client["symbols"])
    return stream


for client in json.loads(sys.stdin.readline()):
    threading.Thread(target=open_stream(client).run, daemon=True).start()
# Until it is ended.
threading.Event().wait()
