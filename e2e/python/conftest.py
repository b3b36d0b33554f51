"""What the tests share: one Paddock, and alpaca-py's clients for any of its access keys."""

import pytest
from alpaca.common.exceptions import APIError
from alpaca.data.historical import CryptoHistoricalDataClient, StockHistoricalDataClient
from alpaca.trading.client import TradingClient

from paddock import AccessKey, Paddock


@pytest.fixture(scope="session")
def paddock(tmp_path_factory):
    server = Paddock(tmp_path_factory.mktemp("paddock"))
    yield server
    assert server.stop() == 0, "paddock demo did not end cleanly:\n" + server.output


class Clients:
    """alpaca-py as its users make it, with the gateway's address and an access key instead of the real pair."""

    def __init__(self, gateway: str, key: AccessKey):
        pair = {"api_key": key.key_id, "secret_key": key.secret_key, "url_override": gateway}
        self.key = key
        self.trading = TradingClient(paper=True, **pair)
        self.stocks = StockHistoricalDataClient(**pair)
        self.crypto = CryptoHistoricalDataClient(**pair)


@pytest.fixture(scope="session")
def clients_for(paddock):
    """Clients for a new access key of that scope: `clients_for("--preset", "read-only")`."""
    return lambda *scope: Clients(paddock.gateway, paddock.create_key(*scope))


@pytest.fixture(scope="session")
def trader(clients_for):
    """Everything that the preset for trading allows, in any symbol."""
    return clients_for("--preset", "trader")


@pytest.fixture
def flat(trader):
    """An account without open orders and positions, before the test and after it."""
    trader.trading.close_all_positions(cancel_orders=True)
    yield trader
    trader.trading.close_all_positions(cancel_orders=True)


@pytest.fixture
def refused():
    """Checks that a call raises alpaca-py's own exception, with a code and a message that a program can use."""

    def check(call, code: int, *words: str) -> APIError:
        with pytest.raises(APIError) as caught:
            call()
        error = caught.value
        assert error.code == code, error
        assert error.status_code == code // 100_000
        for word in words:
            assert word in error.message, error.message
        return error

    return check
