"""Signed requests, with the signer that docs/signed-requests.md gives to copy, in unmodified alpaca-py."""

import re
import subprocess
from pathlib import Path

import pytest
import requests
from alpaca.common.exceptions import APIError
from alpaca.data.requests import StockLatestQuoteRequest
from alpaca.trading.enums import OrderSide
from alpaca.trading.requests import GetOrdersRequest

from conftest import Clients
from paddock import AccessKey
from test_allowed import market, resting

PAGE = Path(__file__).parents[2] / "docs/signed-requests.md"
SIGNATURE_REQUIRED = 40190010
INVALID_SIGNATURE = 40190011
REPLAYED = 40190013


@pytest.fixture(scope="module")
def signer():
    """The class as it stands on the page."""
    code = re.search(r"```python\n(import hashlib.*?)```", PAGE.read_text(), re.DOTALL)
    names: dict = {}
    exec(code.group(1), names)
    return names["PaddockSigner"]


@pytest.fixture(scope="module")
def key(paddock):
    return paddock.create_key("--preset", "trader", "--signed")


@pytest.fixture
def traveller(paddock, key, signer):
    """alpaca-py that was never told the secret; its session signs."""
    clients = Clients(paddock.gateway, AccessKey(key.name, key.key_id, "signed"))
    for client in (clients.trading, clients.stocks, clients.crypto):
        client._session.auth = signer(key.key_id, key.secret_key)
    return clients


def test_alpaca_py_signs_what_it_sends(traveller, flat):
    assert traveller.trading.get_account().status.value == "ACTIVE"
    order = traveller.trading.submit_order(resting("AAPL"))
    assert order.id in {one.id for one in traveller.trading.get_orders(GetOrdersRequest(symbols=["AAPL", "BTC/USD"]))}
    traveller.trading.cancel_order_by_id(order.id)
    traveller.trading.submit_order(market("AAPL", 1))
    traveller.trading.submit_order(market("AAPL", 1, OrderSide.SELL))
    quote = traveller.stocks.get_stock_latest_quote(StockLatestQuoteRequest(symbol_or_symbols=["AAPL", "KO"]))
    assert quote["KO"].ask_price > 0


def test_the_secret_itself_is_refused(paddock, key, refused):
    plain = Clients(paddock.gateway, key)
    with pytest.raises(APIError) as caught:
        plain.trading.get_account()
    assert (caught.value.status_code, caught.value.code) == (401, SIGNATURE_REQUIRED)
    assert "signed requests only" in caught.value.message


def test_a_request_that_was_seen_on_the_way_is_worth_nothing(paddock, key, signer, flat):
    order = {"symbol": "AAPL", "qty": "1", "side": "buy", "type": "market", "time_in_force": "day"}
    request = requests.Request("POST", paddock.gateway + "/v2/orders", json=order, auth=signer(key.key_id, key.secret_key))
    with requests.Session() as session:
        prepared = session.prepare_request(request)
        assert key.secret_key not in str(prepared.headers)
        assert session.send(prepared, timeout=10).status_code == 200
        again = session.send(prepared, timeout=10)
        assert (again.status_code, again.json()["code"]) == (401, REPLAYED)
        more = prepared.copy()
        more.body = more.body.replace(b'"1"', b'"9"')
        changed = session.send(more, timeout=10)
        assert (changed.status_code, changed.json()["code"]) == (401, INVALID_SIGNATURE)
    assert flat.trading.get_open_position("AAPL").qty == "1"


def test_the_secret_lies_open_nowhere(paddock, key, traveller):
    """It is kept, since a signature cannot be checked without it, and it is kept sealed."""
    assert traveller.trading.get_account().status.value == "ACTIVE"
    paddock.cli("vault", "rotate", "dek")
    assert traveller.trading.get_account().status.value == "ACTIVE"
    assert key.secret_key not in paddock.output
    assert key.secret_key not in paddock.run("audit", "export").stdout
    assert [path for path, held in paddock.files().items() if key.secret_key.encode() in held] == []


def test_settings_for_clients_are_not_printed(paddock, key):
    done: subprocess.CompletedProcess = paddock.run("env", key.name, "--for", "curl")
    assert done.returncode == 3
    assert "signed requests only" in done.stderr
