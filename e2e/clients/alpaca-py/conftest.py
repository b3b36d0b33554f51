"""What the tests share: one paper broker, alpaca-py's clients for its accounts, and what they were seen to do."""

import os
from importlib.metadata import version
from pathlib import Path

import pytest
from alpaca.common.exceptions import APIError
from alpaca.data.historical import (
    CryptoHistoricalDataClient,
    NewsClient,
    OptionHistoricalDataClient,
    ScreenerClient,
    StockHistoricalDataClient,
)
from alpaca.data.historical.corporate_actions import CorporateActionsClient
from alpaca.trading.client import TradingClient

from broker import Account, Broker
from hearing import Running
from surface import Surface


def pytest_collection_modifyitems(items):
    """Whether all methods were called can be told after all other tests."""
    items.sort(key=lambda item: item.path.name == "test_surface.py")


@pytest.fixture(scope="session")
def broker():
    """Its market is open around the clock and a minute passes in a second, so that no stream keeps a test waiting."""
    server = Broker("--hold-open", "--clock", "x60")
    yield server
    assert server.stop() == 0, "paddock paper serve did not end cleanly"


@pytest.fixture(scope="session")
def surface(broker):
    seen = Surface(f"alpaca-py {version('alpaca-py')}", broker.record)
    yield seen
    if report := os.environ.get("PADDOCK_CLIENT_REPORT"):
        seen.write(Path(report))


@pytest.fixture(scope="session")
def running(broker):
    """Runs streams: `with running(stream): ...`."""
    streams = Running()
    yield streams
    streams.join()


class Clients:
    """alpaca-py as its users make it, with the broker's address."""

    def __init__(self, surface: Surface, account: Account):
        self.account = account
        pair = {"api_key": account.key_id, "secret_key": account.secret_key, "url_override": account.url}
        self.trading = surface.wrap(TradingClient(**pair))
        self.stocks = surface.wrap(StockHistoricalDataClient(**pair))
        self.crypto = surface.wrap(CryptoHistoricalDataClient(**pair))
        self.news = surface.wrap(NewsClient(**pair))
        self.options = surface.wrap(OptionHistoricalDataClient(**pair))
        self.screener = surface.wrap(ScreenerClient(**pair))
        self.corporate_actions = surface.wrap(CorporateActionsClient(**pair))


@pytest.fixture(scope="session")
def clients(broker, surface):
    """Clients of an account that only reads."""
    return Clients(surface, broker.account())


@pytest.fixture
def trader(broker, surface):
    """Clients of a new account, so that no test sees the orders of another."""
    return Clients(surface, broker.account())


@pytest.fixture
def refused():
    """Checks that a call raises alpaca-py's own exception, with the documented status and code."""

    def check(call, status: int, code: int, *words: str) -> None:
        with pytest.raises(APIError) as caught:
            call()
        assert (caught.value.status_code, caught.value.code) == (status, code), caught.value
        for word in words:
            assert word in caught.value.message

    return check
