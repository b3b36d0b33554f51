"""What the gateway's streams are measured beside: a plain asyncio relay of one data stream, as such relays are commonly written.

One task reads the broker, parses each frame, and finds who wants which of its messages; programs that want the same share what is
sent. It has no access keys, no scopes, and drops nobody.

relay.py PORT SOURCE-PORT"""

import asyncio
import json
import sys
from collections import defaultdict

from websockets.asyncio.client import connect
from websockets.asyncio.server import broadcast, serve

PORT, SOURCE = int(sys.argv[1]), int(sys.argv[2])
programs: dict = {}


def wants(selection: frozenset, message: dict) -> bool:
    return "*" in selection or message.get("S") in selection


async def hear() -> None:
    async with connect(f"ws://127.0.0.1:{SOURCE}/v2/sip", compression=None, ping_interval=None, max_size=None) as broker:
        await broker.send(json.dumps({"action": "auth", "key": "k", "secret": "s"}))
        await broker.send(json.dumps({"action": "subscribe", "trades": ["*"]}))
        async for text in broker:
            messages = json.loads(text)
            by_selection = defaultdict(list)
            for program, selection in programs.items():
                by_selection[selection].append(program)
            for selection, some in by_selection.items():
                chosen = [message for message in messages if message["T"] == "t" and wants(selection, message)]
                if chosen:
                    broadcast(some, text if len(chosen) == len(messages) else json.dumps(chosen))


async def serve_program(program) -> None:
    try:
        async for text in program:
            request = json.loads(text)
            if request["action"] == "subscribe":
                programs[program] = frozenset(request.get("trades", []))
                await program.send(json.dumps([{"T": "subscription", "trades": request.get("trades", [])}]))
    finally:
        programs.pop(program, None)


async def main() -> None:
    async with serve(serve_program, "127.0.0.1", PORT, compression=None, ping_interval=None):
        await hear()


asyncio.run(main())
