"""A rotation while a program trades and streams through its access key: what the program sees of it.

`test_rotation.py` asserts that it sees no error. `python rotation.py --rounds N` does it N times and prints what was measured as JSON, for
`cargo xtask bench rotation`.
"""

import argparse
import json
import subprocess
import tempfile
import threading
import time
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import count
from pathlib import Path

from alpaca.trading.client import TradingClient
from alpaca.trading.enums import OrderSide, TimeInForce
from alpaca.trading.requests import LimitOrderRequest
from alpaca.trading.stream import TradingStream

from broker import Broker, Gateway
from paddock import BINARY

PATIENCE = 60
"""Seconds that anything may take."""


@dataclass(frozen=True)
class Seen:
    """One rotation as the trading program saw it; times in seconds."""

    rounds: int
    errors: list[str]
    held_back: float
    """For how long new orders were held back, the person's time included."""
    after_paste: float
    """The part of it that comes after the new pair was pasted: checks, vault and switch."""
    slowest: float
    """The longest that one of the program's requests took."""
    usual: float
    """The longest that one took while no rotation was under way."""
    silence: float
    """The longest silence of its stream while the rotation was under way."""
    usual_silence: float
    """The longest before it."""


class Trader(threading.Thread):
    """Orders, reads and cancels in a loop. What goes wrong is kept, and so is how long each request took."""

    def __init__(self, gateway: str, key):
        super().__init__(daemon=True)
        self.client = TradingClient(key.key_id, key.secret_key, paper=True, url_override=gateway)
        self.over, self.errors, self.rounds = threading.Event(), [], 0
        self.took: list[tuple[float, float]] = []
        """When each request was begun, and how long it took."""

    def timed(self, call, *arguments):
        begun = time.monotonic()
        try:
            return call(*arguments)
        finally:
            self.took.append((begun, time.monotonic() - begun))

    def run(self) -> None:
        names = count()
        while not self.over.is_set():
            try:
                name = f"loop-{next(names)}"
                order = LimitOrderRequest(
                    symbol="AAPL",
                    qty=1,
                    side=OrderSide.BUY,
                    time_in_force=TimeInForce.GTC,
                    limit_price=1,
                    client_order_id=name,
                )
                placed = self.timed(self.client.submit_order, order)
                assert self.timed(self.client.get_order_by_client_id, name).id == placed.id
                self.timed(self.client.get_account)
                self.timed(self.client.cancel_order_by_id, placed.id)
            except Exception as error:  # noqa: BLE001: every one of them is what the program would see
                self.errors.append(repr(error))
            self.rounds += 1


class Listener(threading.Thread):
    """Hears of the account's orders, through whatever happens on the broker's side."""

    def __init__(self, gateway: str, key):
        super().__init__(daemon=True)
        self.stream = TradingStream(key.key_id, key.secret_key, paper=True, url_override=gateway.replace("http", "ws", 1) + "/stream")
        self.heard: list[float] = []
        self.stream.subscribe_trade_updates(self.hear)

    async def hear(self, _update) -> None:
        self.heard.append(time.monotonic())

    def run(self) -> None:
        self.stream.run()


def until(gateway: Gateway, wanted) -> dict:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        status = gateway._cli("rotation", "status", "main")
        if wanted(status):
            return status
    raise AssertionError(f"the rotation never came there: {json.dumps(status, indent=1)}")


def longest(moments: list[float], since: float, until: float) -> float:
    """The longest time without one, of the times that reach into these."""
    pairs = [(a, b) for a, b in zip(moments, moments[1:]) if b >= since and a <= until]
    return max((b - a for a, b in pairs), default=0.0)


def rotate(broker: Broker, gateway: Gateway, person: float = 0.0) -> Seen:
    """From plan to report, with a program at work from before the start until after the end. The person takes so many seconds for the new pair."""
    key = gateway.create_key("--preset", "trader")
    trader, listener = Trader(gateway.url, key), Listener(gateway.url, key)
    listener.start()
    trader.start()
    begun = time.monotonic()
    while trader.rounds < 3 or not listener.heard or time.monotonic() < begun + 1:
        assert trader.is_alive() and not trader.errors, trader.errors
        time.sleep(0.05)
    start = time.monotonic()
    gateway._cli("rotation", "plan", "main", "--open-orders", "go_on")
    gateway._cli("rotation", "start", "main")
    until(gateway, lambda status: status["state"] == "awaiting_mint")
    command = [BINARY, "paper", "key", "regenerate", "--url", broker.urls["paper"], "--json"]
    made = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=True)
    pair = json.loads(made.stdout)
    time.sleep(person)
    gateway._cli("rotation", "paste", "main", "--secret-stdin", said=f"{pair['key_id']}\n{pair['secret_key']}\n")
    closed = until(gateway, lambda status: status["over"])
    assert closed["state"] == "closed", closed
    end = time.monotonic()
    rounds, heard, deadline = trader.rounds, len(listener.heard), time.monotonic() + PATIENCE
    while (trader.rounds < rounds + 3 or len(listener.heard) < heard + 3) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert trader.rounds >= rounds + 3, "the program does not trade any more"
    assert len(listener.heard) >= heard + 3, "the stream is silent after the rotation"
    trader.over.set()
    trader.join(timeout=PATIENCE)
    listener.stream.stop()
    listener.join(timeout=PATIENCE)
    report = gateway._cli("rotation", "report", "main")
    rotation = report["rotation"]
    during = [took for at, took in trader.took if at + took >= start and at <= end]
    before = [took for at, took in trader.took if at + took < start]
    return Seen(
        rounds=trader.rounds,
        errors=trader.errors,
        held_back=report["held_back_seconds"],
        after_paste=after(rotation["candidate"]["at"], rotation["marks"]["resumed_at"]),
        slowest=max(during),
        usual=max(before),
        silence=longest(listener.heard, start, end),
        usual_silence=longest(listener.heard, begun, start),
    )


def after(earlier: str, later: str) -> float:
    """Seconds from one instant of the report to another."""
    read = [datetime.fromisoformat(text.replace("Z", "+00:00")) for text in (earlier, later)]
    return (read[1] - read[0]).total_seconds()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--person", type=float, default=0.0, help="seconds that the person takes to paste the new pair")
    options = parser.parse_args()
    for _ in range(options.rounds):
        with tempfile.TemporaryDirectory() as folder:
            broker = Broker(Path(folder) / "broker", "--rate-limit", "1000000")
            gateway = Gateway(Path(folder) / "data", broker)
            print(json.dumps(asdict(rotate(broker, gateway, options.person))), flush=True)
            assert gateway.stop() == 0
            assert broker.stop() == 0


if __name__ == "__main__":
    main()
