"""Stands for Alpaca in the measurement of streams: one data stream that sends trades at a given rate, in frames of a given size.

The frames are made before and written in pieces of a millisecond, so that this costs next to nothing. Who does not read misses some:
the source never sends later what it could not send in time.

source.py PORT MESSAGES-PER-SECOND MESSAGES-PER-FRAME"""

import asyncio
import json
import sys
import time

from websockets.asyncio.server import serve

PORT, RATE, PER_FRAME = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
SYMBOLS = ["AAPL", "MSFT", "IBM", "SPY", "QQQ", "NVDA", "AMZN", "TSLA", "JPM", "KOKO"]
PIECE_SECONDS = 0.001
LATEST_SECONDS = 0.1


def frame(number: int) -> bytes:
    """An array of trades as a text frame of a server, whose length is in two bytes."""
    trades = [
        f'{{"T":"t","S":"{SYMBOLS[(number + place) % 10]:<4}","i":{52983525029461 + place},"x":"V","p":{100 + place % 10}.25,"s":100,'
        f'"c":["@","I"],"z":"C","t":"2026-06-24T14:00:00.{number % 1000:03}123456Z"}}'.replace('KOKO"', 'KO"')
        for place in range(PER_FRAME)
    ]
    text = ("[" + ",".join(trades) + "]").encode()
    head = bytes([0x81, len(text)]) if len(text) < 126 else bytes([0x81, 126]) + len(text).to_bytes(2, "big")
    return head + text


FRAMES = [frame(number) for number in range(1000)]


async def pump(connection) -> None:
    frames_per_second, sent, began = RATE / PER_FRAME, 0, time.monotonic()
    while True:
        await asyncio.sleep(PIECE_SECONDS)
        due = int((time.monotonic() - began) * frames_per_second)
        if due - sent > LATEST_SECONDS * frames_per_second:
            sent = due
        if connection.transport.get_write_buffer_size() == 0:
            connection.transport.write(b"".join(FRAMES[number % 1000] for number in range(sent, due)))
            sent = due


async def stream(connection) -> None:
    await connection.send('[{"T":"success","msg":"connected"}]')
    pumping = None
    async for text in connection:
        request = json.loads(text)
        if request["action"] == "auth":
            await connection.send('[{"T":"success","msg":"authenticated"}]')
        elif request["action"] == "subscribe":
            lists = {channel: request.get(channel, []) for channel in ("trades", "quotes", "bars")}
            await connection.send(json.dumps([{"T": "subscription", **lists}]))
            pumping = pumping or asyncio.create_task(pump(connection))


async def main() -> None:
    async with serve(stream, "127.0.0.1", PORT, compression=None, ping_interval=None) as server:
        await server.serve_forever()


asyncio.run(main())
