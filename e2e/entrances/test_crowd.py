"""Twenty programs of three of Alpaca's SDKs at once on one account's streams, half of them by TLS.

Alpaca itself has one place for each data stream of an account, and answers the second program with 406."""

import json
import subprocess
import threading
import time
from collections import defaultdict
from itertools import cycle

import pytest

from conftest import ARCHIVED, JAVASCRIPT, NODE, PROGRAMS, PYTHON, clean_environment

PATIENCE_SECONDS = 60

# What each program wants to hear, by SDK. Those of alpaca-trade-api hear trade updates as well.
STOCKS = cycle(["AAPL", "MSFT", "SPY", "IBM"])
CROWD = {
    "alpaca-py": ["trades", "quotes", "trades", "quotes", "crypto", "crypto", "updates", "updates", "updates", "updates"],
    "javascript": ["trades", "quotes", "trades", "crypto", "updates", "updates"],
    "alpaca-trade-api": ["trades and updates"] * 4,
}


class Crowd:
    """The programs of one SDK, and what they have said so far."""

    def __init__(self, command: list[str], clients: list[dict], cwd, **environment: str):
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=clean_environment(**environment),
            cwd=cwd,
            text=True,
        )
        self.process.stdin.write(json.dumps(clients) + "\n")
        self.process.stdin.flush()
        threading.Thread(target=self._read, daemon=True).start()

    # By client: symbols of market data, and events of orders.
    symbols: dict[str, set] = defaultdict(set)
    events: dict[str, set] = defaultdict(set)
    changed = threading.Condition()

    def _read(self) -> None:
        for line in self.process.stdout:
            said = json.loads(line)
            with self.changed:
                if "order" in said:
                    self.events[said["client"]].add((said["order"], said["event"]))
                else:
                    self.symbols[said["client"]].add((said["kind"], said["symbol"]))
                self.changed.notify_all()

    @classmethod
    def until(cls, ready, seconds=PATIENCE_SECONDS) -> bool:
        with cls.changed:
            return cls.changed.wait_for(ready, seconds)


def programs(paddock) -> dict[str, list[dict]]:
    """Each program with an access key of its own, which opens the market data that it wants and no other."""
    by_sdk = {}
    for sdk, hears in CROWD.items():
        by_sdk[sdk] = []
        for number, what in enumerate(hears):
            symbol = "BTC/USD" if what == "crypto" else next(STOCKS)
            key = paddock.create_key("--preset", "trader", "--data-symbols", symbol)
            address = paddock.facts["tls"] if number % 2 else paddock.gateway
            by_sdk[sdk].append(
                {
                    "name": f"{sdk} {number}",
                    "hears": what,
                    "symbols": [symbol],
                    "url": address.replace("http", "ws", 1),
                    "key_id": key.key_id,
                    "secret_key": key.secret_key,
                }
            )
    return by_sdk


@pytest.fixture
def crowd(paddock, bundle):
    clients = programs(paddock)
    trust = {"SSL_CERT_FILE": bundle, "NODE_EXTRA_CA_CERTS": bundle}
    started = [
        Crowd([PYTHON, str(PROGRAMS / "crowd_alpaca_py.py")], clients["alpaca-py"], PROGRAMS, **trust),
        Crowd([NODE, "programs/crowd.mjs"], clients["javascript"], JAVASCRIPT, **trust),
        Crowd([ARCHIVED, str(PROGRAMS / "crowd_archived.py")], clients["alpaca-trade-api"], PROGRAMS, **trust),
    ]
    yield [client for some in clients.values() for client in some]
    for one in started:
        one.process.kill()
        one.process.wait()


def order(paddock, key, **fields) -> str:
    import requests

    pair = {"APCA-API-KEY-ID": key.key_id, "APCA-API-SECRET-KEY": key.secret_key}
    placed = requests.post(f"{paddock.gateway}/v2/orders", json=fields, headers=pair, timeout=30)
    placed.raise_for_status()
    return placed.json()["id"]


def test_twenty_programs_of_three_sdks_at_once(paddock, trader, crowd):
    assert len(crowd) == 20
    of_data = {client["name"]: client for client in crowd if client["hears"] != "updates"}
    of_orders = {client["name"] for client in crowd if "updates" in client["hears"]}

    assert Crowd.until(lambda: all(Crowd.symbols[name] for name in of_data)), of_data.keys() - Crowd.symbols.keys()

    # The SDKs do not say when they listen: orders that rest are placed until all have heard of one.
    resting = {"symbol": "AAPL", "qty": "1", "side": "buy", "type": "limit", "limit_price": "1.50", "time_in_force": "gtc"}
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not Crowd.until(lambda: all(Crowd.events[name] for name in of_orders), seconds=0.5):
        assert time.monotonic() < deadline, of_orders - {name for name, heard in Crowd.events.items() if heard}
        order(paddock, trader, **resting)
    bought = order(paddock, trader, symbol="AAPL", qty="1", side="buy", type="market", time_in_force="day")
    assert Crowd.until(lambda: all((bought, "fill") in Crowd.events[name] for name in of_orders))

    for name, client in of_data.items():
        kind = "quote" if client["hears"] == "quotes" else "trade"
        assert Crowd.symbols[name] == {(kind, *client["symbols"])}, name
    assert not Crowd.symbols.keys() - of_data.keys()
