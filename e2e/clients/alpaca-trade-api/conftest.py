"""What the tests share: one paper broker, the archived client for its accounts, and what it was seen to do."""

import os
from importlib.metadata import version
from pathlib import Path

import pytest
from alpaca_trade_api import REST, AsyncRest
from alpaca_trade_api.rest import APIError

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
    # The client has no other way to be told where data is.
    os.environ["APCA_API_DATA_URL"] = server.urls["paper"]
    yield server
    assert server.stop() == 0, "paddock paper serve did not end cleanly"


@pytest.fixture(scope="session")
def surface(broker):
    seen = Surface(f"alpaca-trade-api {version('alpaca-trade-api')}", broker.record)
    yield seen
    if report := os.environ.get("PADDOCK_CLIENT_REPORT"):
        seen.write(Path(report))


@pytest.fixture(scope="session")
def running(broker):
    """Runs streams: `with running(stream): ...`."""
    streams = Running()
    yield streams
    streams.join()


class Client:
    """The client as its users make it, with the broker's address."""

    def __init__(self, surface: Surface, account: Account):
        self.account = account
        self.api = surface.wrap(REST(account.key_id, account.secret_key, account.url))
        self.at_once = surface.wrap(AsyncRest(account.key_id, account.secret_key, account.url))


@pytest.fixture(scope="session")
def client(broker, surface):
    """A client of an account that only reads."""
    return Client(surface, broker.account())


@pytest.fixture
def api(broker, surface):
    """The client of a new account, so that no test sees the orders of another."""
    return Client(surface, broker.account()).api


@pytest.fixture
def refused():
    """Checks that a call raises the client's own exception, with the documented status and code."""

    def check(call, status: int, code: int, *words: str) -> None:
        with pytest.raises(APIError) as caught:
            call()
        assert (caught.value.status_code, caught.value.code) == (status, code), caught.value
        for word in words:
            assert word in str(caught.value)

    return check
