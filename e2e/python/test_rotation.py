"""A program that trades and streams through its access key in a loop while the account's pair is replaced: it sees no error."""

import json
import subprocess
import threading
import time
from itertools import count

import pytest
from alpaca.trading.client import TradingClient
from alpaca.trading.enums import OrderSide, TimeInForce
from alpaca.trading.requests import LimitOrderRequest
from alpaca.trading.stream import TradingStream

from broker import Broker, Gateway
from paddock import BINARY

PATIENCE = 60


@pytest.fixture
def broker(tmp_path):
    broker = Broker(tmp_path / "broker", "--rate-limit", "1000000")
    yield broker
    assert broker.stop() == 0


@pytest.fixture
def gateway(tmp_path, broker):
    gateway = Gateway(tmp_path / "data", broker)
    yield gateway
    assert gateway.stop() == 0


class Trader(threading.Thread):
    """Orders, reads and cancels in a loop. What goes wrong is kept, and so is how long the slowest request took."""

    def __init__(self, gateway: str, key):
        super().__init__(daemon=True)
        self.client = TradingClient(key.key_id, key.secret_key, paper=True, url_override=gateway)
        self.over, self.errors, self.rounds, self.slowest = threading.Event(), [], 0, 0.0

    def run(self) -> None:
        names = count()
        while not self.over.is_set():
            begun = time.monotonic()
            try:
                name = f"loop-{next(names)}"
                order = LimitOrderRequest(
                    symbol="AAPL",
                    qty=1,
                    side=OrderSide.BUY,
                    time_in_force=TimeInForce.DAY,
                    limit_price=1,
                    client_order_id=name,
                )
                placed = self.client.submit_order(order)
                assert self.client.get_order_by_client_id(name).id == placed.id
                self.client.get_account()
                self.client.cancel_order_by_id(placed.id)
            except Exception as error:  # noqa: BLE001: every one of them is what the program would see
                self.errors.append(repr(error))
            self.slowest = max(self.slowest, time.monotonic() - begun)
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


def test_a_rotation_passes_a_trading_program_by(broker, gateway):
    key = gateway.create_key("--preset", "trader")
    trader, listener = Trader(gateway.url, key), Listener(gateway.url, key)
    listener.start()
    trader.start()
    while trader.rounds < 3 or not listener.heard:
        assert trader.is_alive() and not trader.errors, trader.errors
        time.sleep(0.05)
    gateway._cli("rotation", "plan", "main", "--open-orders", "go_on")
    gateway._cli("rotation", "start", "main")
    until(gateway, lambda status: status["state"] == "awaiting_mint")
    made = subprocess.run(
        [BINARY, "paper", "key", "regenerate", "--url", broker.urls["paper"], "--json"],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
    )
    pair = json.loads(made.stdout)
    gateway._cli("rotation", "paste", "main", "--secret-stdin", said=f"{pair['key_id']}\n{pair['secret_key']}\n")
    closed = until(gateway, lambda status: status["over"])
    assert closed["state"] == "closed", closed
    rounds, heard, deadline = trader.rounds, len(listener.heard), time.monotonic() + PATIENCE
    while (trader.rounds < rounds + 3 or len(listener.heard) < heard + 3) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert trader.rounds >= rounds + 3, "the program does not trade any more"
    assert len(listener.heard) >= heard + 3, "the stream is silent after the rotation"
    trader.over.set()
    trader.join(timeout=PATIENCE)
    assert trader.errors == []
    report = gateway._cli("rotation", "report", "main")
    silence = max(later - earlier for earlier, later in zip(listener.heard, listener.heard[1:]))
    print(
        f"\nrotation with a trading program: {trader.rounds} rounds, 0 errors; new orders held back for "
        f"{report['held_back_seconds']:.2f} s, of which the person took most; slowest round {trader.slowest:.2f} s; "
        f"longest silence of the stream {silence:.2f} s"
    )
    listener.stream.stop()
    listener.join(timeout=PATIENCE)
