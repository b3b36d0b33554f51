"""What programs do meanwhile: orders, cancels and reads with many keys, and sockets that listen."""

import asyncio
import json
import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

import wire
from stage import Key, Stage

SYMBOLS = ["AAPL", "MSFT", "SPY", "IBM", "KO"]
READS = ["/v2/account", "/v2/orders?limit=5", "/v2/positions", "/v2/clock", "/v2/stocks/AAPL/quotes/latest"]


@dataclass
class Sent:
    """An order that was sent, and what its program was told."""

    key: Key
    status: int | None = None
    answer: object = None


@dataclass
class Work:
    sent: dict[str, Sent] = field(default_factory=dict)
    statuses: Counter = field(default_factory=Counter)
    requests: int = 0


async def worker(stage: Stage, keys: list[Key], work: Work, until: float, pace: float, seed: int) -> None:
    """One program after the other, each with a key of its own, on a connection of its own."""
    chance, loop = random.Random(seed), asyncio.get_running_loop()
    due = loop.time() + chance.uniform(0, pace)
    while loop.time() < until:
        await asyncio.sleep(max(due - loop.time(), 0))
        due = max(due + pace, loop.time())
        key = chance.choice(keys)
        http = wire.tcp(stage.gateway_port, wire.pair(key.key_id, key.secret_key))
        # A few requests with each.
        for _ in range(3):
            await act(http, key, work, chance)
        http.close()


async def act(http: wire.Http, key: Key, work: Work, chance: random.Random) -> None:
    kind = chance.choices(["market", "rest", "cancel", "read"], [3, 3, 3, 4])[0]
    if kind == "cancel" and not key.resting:
        kind = "read"
    work.requests += 1
    try:
        if kind == "cancel":
            resting = key.resting.pop(chance.randrange(len(key.resting)))
            status, _ = await http.ask("DELETE", f"/v2/orders/{resting}")
        elif kind in ("market", "rest"):
            status = await order(http, key, work, chance, kind)
        else:
            status, _ = await http.ask("GET", chance.choice(READS))
        work.statuses[f"{kind} {status}"] += 1
    except wire.Broken:
        work.statuses[f"{kind} no answer"] += 1


async def order(http: wire.Http, key: Key, work: Work, chance: random.Random, kind: str) -> int:
    name = f"soak-{len(work.sent)}"
    sent = work.sent[name] = Sent(key)
    content = {"symbol": chance.choice(SYMBOLS), "side": "buy", "client_order_id": name}
    if kind == "market":
        content |= {"qty": "1", "type": "market", "time_in_force": "day"}
    else:
        content |= {"qty": "2", "type": "limit", "limit_price": "1.50", "time_in_force": "gtc"}
    sent.status, sent.answer = await http.ask("POST", "/v2/orders", content)
    if sent.status == 200 and kind == "rest":
        key.resting.append(sent.answer["id"])
    return sent.status


def instant(text: str) -> datetime:
    """An instant of either server, to the microsecond."""
    head, _, rest = text.rstrip("Z").partition(".")
    return datetime.fromisoformat(f"{head}+00:00") + timedelta(microseconds=int((rest + "000000")[:6]))


@dataclass
class Listener:
    """A socket of a program: what it heard of which order, which gaps it was told of, and how often it was cut off."""

    key: Key
    path: str
    symbol: str = ""
    events: dict[str, set] = field(default_factory=dict)
    gaps: list[tuple[datetime, datetime]] = field(default_factory=list)
    messages: int = 0
    foreign: int = 0
    cut: list[str] = field(default_factory=list)
    ready: asyncio.Event = field(default_factory=asyncio.Event)

    async def listen(self, stage: Stage) -> None:
        headers = wire.pair(self.key.key_id, self.key.secret_key)
        url = f"ws://127.0.0.1:{stage.gateway_port}{self.path}"
        try:
            async with connect(url, additional_headers=headers, compression=None, ping_interval=None, max_size=None) as socket:
                await socket.send(json.dumps(self._wish()))
                async for text in socket:
                    self._hear(json.loads(text))
        except (ConnectionClosed, OSError) as error:
            self.cut.append(repr(error))

    def _wish(self) -> dict:
        if self.path == "/stream":
            return {"action": "listen", "data": {"streams": ["trade_updates"]}}
        return {"action": "subscribe", "trades": [self.symbol], "quotes": [self.symbol]}

    def _hear(self, said) -> None:
        if isinstance(said, list):
            for message in said:
                if message["T"] == "subscription":
                    self.ready.set()
                elif message["T"] == "gap":
                    self.gaps.append((instant(message["from"]), instant(message["to"])))
                elif message["T"] in "tq":
                    self.messages += 1
                    self.foreign += message["S"] != self.symbol
        elif said["stream"] == "listening":
            self.ready.set()
        elif said["stream"] == "gap":
            self.gaps.append((instant(said["data"]["from"]), instant(said["data"]["to"])))
        elif said["stream"] == "trade_updates":
            self.messages += 1
            self.events.setdefault(said["data"]["order"]["id"], set()).add(said["data"]["event"])
