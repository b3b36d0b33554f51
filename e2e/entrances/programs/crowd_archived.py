"""Streams of alpaca-trade-api: as many as standard input lists. Prints what they hear, a line for each thing."""

import json
import logging
import sys
import threading

from alpaca_trade_api import Stream

logging.disable(logging.CRITICAL)
printing = threading.Lock()


def say(**fact) -> None:
    with printing:
        print(json.dumps(fact), flush=True)


def open_stream(client: dict) -> Stream:
    name, address = client["name"], client["url"].replace("ws", "http", 1)

    async def trade(message) -> None:
        say(client=name, kind="trade", symbol=message.symbol)

    async def update(message) -> None:
        say(client=name, order=message.order["id"], event=message.event)

    stream = Stream(client["key_id"], client["secret_key"], address, address)
    stream.subscribe_trades(trade, *client["symbols"])
    stream.subscribe_trade_updates(update)
    return stream


for client in json.loads(sys.stdin.readline()):
    threading.Thread(target=open_stream(client).run, daemon=True).start()
# Until it is ended.
threading.Event().wait()
