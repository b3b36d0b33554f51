"""What `paddock env` prints is pasted as it is, and the client that it is for works.

Alpaca's command line and its Go SDK are not here: both have to be built with Go. What they are told is tried with curl, which reads
the same variables."""

import json

import pytest

from conftest import ARCHIVED, JAVASCRIPT, NODE, PROGRAMS, PYTHON, pasted, printed


def test_alpaca_py(paddock, reader):
    assert float(pasted(printed(paddock, reader, "alpaca-py"), PYTHON)) > 0


def test_javascript(paddock, reader):
    assert float(pasted(printed(paddock, reader, "js"), NODE, cwd=JAVASCRIPT)) > 0


def test_curl(paddock, reader):
    account = json.loads(pasted(printed(paddock, reader, "curl")))
    assert account["account_number"] == paddock.facts["account_number"]


def test_alpaca_trade_api(paddock, trader):
    said = json.loads(pasted(printed(paddock, trader, "alpaca-trade-api"), ARCHIVED, then=f"python {PROGRAMS / 'archived.py'}"))
    check_archived(paddock, said)


def check_archived(paddock, said: dict) -> None:
    assert said["account"] == paddock.facts["account_number"]
    assert said["ask"] > 0 and said["bars"] > 0
    assert said["updates"][-1] == "fill" and said["trade"] == "AAPL"
    assert "TSLA" in said["refused"] and "AAPL" in said["refused"]


def test_alpaca_trade_api_by_https(paddock, trader, bundle):
    """The same with another address: all that changes is what is exported."""
    text = printed(paddock, trader, "alpaca-trade-api").replace(paddock.gateway, paddock.facts["tls"])
    text += f"export REQUESTS_CA_BUNDLE={bundle} SSL_CERT_FILE={bundle}\n"
    check_archived(paddock, json.loads(pasted(text, ARCHIVED, then=f"python {PROGRAMS / 'archived.py'}")))


def test_go(paddock, reader):
    command = 'curl -fsS -H "APCA-API-KEY-ID: $APCA_API_KEY_ID" -H "APCA-API-SECRET-KEY: $APCA_API_SECRET_KEY" '
    text = printed(paddock, reader, "go")
    account = json.loads(pasted(text, then=command + '"$APCA_API_BASE_URL/v2/account"'))
    assert account["account_number"] == paddock.facts["account_number"]
    quote = json.loads(pasted(text, then=command + '"$APCA_API_DATA_URL/v2/stocks/AAPL/quotes/latest"'))
    assert quote["symbol"] == "AAPL"


def test_alpacas_command_line(paddock, reader):
    command = 'curl -fsS -H "APCA-API-KEY-ID: $ALPACA_API_KEY" -H "APCA-API-SECRET-KEY: $ALPACA_SECRET_KEY" '
    text = printed(paddock, reader, "cli")
    account = json.loads(pasted(text, then=command + "https://paper-api.alpaca.markets/v2/account"))
    assert account["account_number"] == paddock.facts["account_number"]
    assert "export ALPACA_LIVE_TRADE=false\n" in text


@pytest.fixture
def dotenv(paddock, reader, tmp_path):
    (tmp_path / ".env").write_text(printed(paddock, reader, "dotenv"))
    return tmp_path


def test_dotenv_in_javascript(paddock, dotenv):
    program = JAVASCRIPT / "programs/account.mjs"
    said = pasted("", NODE, then=f"node --env-file={dotenv / '.env'} {program}")
    assert said.strip() == paddock.facts["account_number"]


def test_dotenv_in_a_shell(paddock, dotenv):
    then = (
        f"set -a; . {dotenv / '.env'}; set +a\n"
        'curl -fsS -H "Authorization: Bearer $APCA_API_SECRET_KEY" "$APCA_API_BASE_URL/v2/account"'
    )
    assert json.loads(pasted("", then=then))["account_number"] == paddock.facts["account_number"]
