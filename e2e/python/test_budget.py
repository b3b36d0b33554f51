"""Alpaca's request budget, met for real: a broker that allows few requests a minute, and unmodified alpaca-py that asks for everything."""

import threading
import time

import pytest
import requests
from alpaca.common.exceptions import APIError
from alpaca.trading.client import TradingClient
from alpaca.trading.enums import OrderSide, TimeInForce
from alpaca.trading.requests import LimitOrderRequest

from broker import Broker, Gateway

LIMIT = 300
"""Requests a minute that the broker allows each account."""
SECONDS = 20
"""For how long the programs ask."""


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    server = Broker(tmp_path_factory.mktemp("paper"), "--rate-limit", str(LIMIT))
    yield server
    assert server.stop() == 0


@pytest.fixture
def gateway(broker, tmp_path):
    server = Gateway(tmp_path, broker)
    yield server
    assert server.stop() == 0


def client(url: str, key_id: str, secret_key: str) -> TradingClient:
    trading = TradingClient(key_id, secret_key, paper=True, url_override=url)
    # Each refusal is to be seen here, and not waited for: it would try three times, three seconds apart.
    trading._retry = 0
    return trading


def test_the_broker_refuses_what_is_too_much(broker):
    account = broker.account()
    trading = client(account["url"], account["key"], account["secret"])
    with pytest.raises(APIError) as refused:
        for _ in range(LIMIT + 1):
            trading.get_account()
    assert (refused.value.status_code, refused.value.code) == (429, 42910000)
    pair = {"APCA-API-KEY-ID": account["key"], "APCA-API-SECRET-KEY": account["secret"]}
    answer = requests.get(account["url"] + "/v2/account", headers=pair, timeout=30)
    assert answer.status_code == 429
    assert (answer.headers["X-RateLimit-Limit"], answer.headers["X-RateLimit-Remaining"]) == (str(LIMIT), "0")
    assert 0 < int(answer.headers["X-RateLimit-Reset"]) - time.time() <= 61


class Greedy(threading.Thread):
    """A program that reads without a pause."""

    def __init__(self, trading: TradingClient, until: float):
        super().__init__(daemon=True)
        self.trading, self.until, self.served, self.refused = trading, until, [], []

    def run(self) -> None:
        while time.monotonic() < self.until:
            try:
                self.trading.get_all_positions()
                self.served.append(time.monotonic())
            except APIError as error:
                self.refused.append(error)


def test_keys_share_it_fairly_and_cancels_go_first(gateway):
    keys = [gateway.create_key("--preset", preset) for preset in ("trader", "read-only", "read-only")]
    trader, *readers = [client(gateway.url, key.key_id, key.secret_key) for key in keys]
    resting = LimitOrderRequest(symbol="AAPL", qty=1, side=OrderSide.BUY, time_in_force=TimeInForce.GTC, limit_price=1)
    orders = [trader.submit_order(resting) for _ in range(3)]
    # All of it is to happen in one of the broker's minutes.
    pair = {"APCA-API-KEY-ID": keys[1].key_id, "APCA-API-SECRET-KEY": keys[1].secret_key}
    while True:
        told = requests.get(gateway.url + "/v2/account", headers=pair, timeout=30).headers
        if int(told["X-RateLimit-Reset"]) - time.time() > SECONDS + 5:
            break
        time.sleep(1)
    until = time.monotonic() + SECONDS
    # Three threads of one key, and one of the other: a key gets no more for asking more.
    loud = [Greedy(readers[0], until) for _ in range(3)]
    quiet = Greedy(readers[1], until)
    for program in (*loud, quiet):
        program.start()
    # Half of the minute's budget is there for whoever asks first. From the first refusal on they take turns.
    while not any(program.refused for program in (*loud, quiet)):
        assert time.monotonic() < until, "nobody had to wait"
        time.sleep(0.05)
    scarce = time.monotonic()
    for order in orders:
        begun = time.monotonic()
        trader.cancel_order_by_id(order.id)
        # One that finds no room is sent after ten seconds of waiting.
        assert time.monotonic() - begun < 8, "a cancel had to wait"
    for program in (*loud, quiet):
        program.join(timeout=SECONDS + 30)
    # What was refused was refused here, in words that say what to do, and never by the broker.
    refused = [error for program in (*loud, quiet) for error in program.refused]
    assert {(error.status_code, error.code) for error in refused} == {(429, 42990002)}, refused
    served = [[at for program in programs for at in program.served] for programs in (loud, [quiet])]
    assert sum(map(len, served)) <= LIMIT
    in_turn = [sum(at > scarce for at in times) for times in served]
    assert min(in_turn) >= 3 and max(in_turn) <= 3 * min(in_turn), in_turn
    assert all(order.status.value == "canceled" for order in (trader.get_order_by_id(order.id) for order in orders))
