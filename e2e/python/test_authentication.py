"""Every way in that Alpaca itself offers, and every pair that must not get in."""

import pytest
import requests
from alpaca.common.exceptions import APIError
from alpaca.data.historical import StockHistoricalDataClient
from alpaca.data.requests import StockLatestQuoteRequest
from alpaca.trading.client import TradingClient

from conftest import Clients
from paddock import AccessKey

ACCOUNT = "/v2/account"
MISSING = 40190001
INVALID = 40190002


@pytest.fixture(scope="module")
def key(paddock):
    return paddock.create_key("--preset", "read-only")


def get(paddock, path=ACCOUNT, **options):
    return requests.get(paddock.gateway + path, timeout=10, allow_redirects=False, **options)


def headers(key_id: str, secret: str) -> dict:
    return {"APCA-API-KEY-ID": key_id, "APCA-API-SECRET-KEY": secret}


def test_headers(paddock, key):
    answer = get(paddock, headers=headers(key.key_id, key.secret_key))
    assert answer.status_code == 200
    assert answer.json()["account_number"] == paddock.facts["account_number"]


def test_basic(paddock, key):
    assert get(paddock, auth=(key.key_id, key.secret_key)).status_code == 200


def test_bearer(paddock, key):
    """A bearer token is the secret alone."""
    assert get(paddock, headers={"Authorization": f"Bearer {key.secret_key}"}).status_code == 200


def test_bearer_of_alpaca_py(paddock, key):
    client = TradingClient(oauth_token=key.secret_key, url_override=paddock.gateway)
    assert client.get_account().status.value == "ACTIVE"


def test_basic_of_alpaca_py(paddock, key):
    client = StockHistoricalDataClient(key.key_id, key.secret_key, use_basic_auth=True, url_override=paddock.gateway)
    request = StockLatestQuoteRequest(symbol_or_symbols="AAPL")
    assert client.get_stock_latest_quote(request)["AAPL"].ask_price > 0


def test_two_credentials_are_ambiguous(paddock, key):
    answer = get(paddock, headers=headers(key.key_id, key.secret_key), auth=(key.key_id, key.secret_key))
    assert (answer.status_code, answer.json()["code"]) == (400, 40090001)


@pytest.mark.parametrize("case", ["nothing", "unknown key", "wrong secret", "secret of another key", "empty secret"])
def test_no_valid_pair_is_unauthorized(paddock, key, case):
    other = paddock.create_key("--preset", "read-only")
    sent = {
        "nothing": {},
        "unknown key": headers("PDKNOSUCHKEY", key.secret_key),
        "wrong secret": headers(key.key_id, key.secret_key[:-1] + ("a" if key.secret_key[-1] != "a" else "b")),
        "secret of another key": headers(key.key_id, other.secret_key),
        "empty secret": headers(key.key_id, ""),
    }[case]
    answer = get(paddock, headers=sent)
    assert answer.status_code == 401
    body = answer.json()
    assert body["code"] == (MISSING if case == "nothing" else INVALID)
    assert "access key" in body["message"]


def test_the_sdk_raises_its_own_error_with_code_and_message(paddock):
    stranger = Clients(paddock.gateway, AccessKey("stranger", "PDKNOSUCHKEY", "nosuchsecret"))
    with pytest.raises(APIError) as caught:
        stranger.trading.get_account()
    assert caught.value.status_code == 401
    assert caught.value.code == INVALID
    assert "access key" in caught.value.message


def test_revoked_key(paddock, clients_for):
    bot = clients_for("--preset", "read-only")
    assert bot.trading.get_account().status.value == "ACTIVE"
    paddock.cli("key", "revoke", bot.key.name)
    with pytest.raises(APIError) as caught:
        bot.trading.get_account()
    assert caught.value.status_code == 401
    assert caught.value.code == INVALID


def test_an_operation_that_nobody_knows_is_refused(paddock, key):
    answer = get(paddock, "/v2/no/such/thing", headers=headers(key.key_id, key.secret_key))
    assert answer.status_code == 403
    assert answer.json()["code"] == 40390014
    assert answer.json()["message"]


def test_money_out_is_refused_even_for_a_trader(paddock, trader):
    pair = headers(trader.key.key_id, trader.key.secret_key)
    answer = requests.post(
        paddock.gateway + "/v2/wallets/transfers",
        json={"amount": "1", "address": "x", "asset": "BTC"},
        headers=pair,
        timeout=10,
    )
    assert (answer.status_code, answer.json()["code"]) == (403, 40390005)


def test_an_access_keys_secret_is_kept_nowhere(paddock, key, trader):
    """Only its hash is stored, and nothing prints it; uses of the key are in the audit by then."""
    assert get(paddock, headers=headers(key.key_id, key.secret_key)).status_code == 200
    trader.trading.cancel_orders()
    for secret in (key.secret_key, trader.key.secret_key):
        assert secret not in paddock.output
        assert secret not in paddock.run("audit", "list").stdout
        files = paddock.files()
        assert files
        assert [path for path, held in files.items() if secret.encode() in held] == []
