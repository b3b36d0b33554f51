"""The encrypted ways in, with alpaca-py as it is: by HTTPS, and with its own hosts through the proxy."""

import subprocess
import sys

import pytest

from paddock import BINARY

# No address in it: the client dials Alpaca's own hosts.
UNCHANGED = """
import os
from alpaca.data.historical import StockHistoricalDataClient
from alpaca.data.requests import StockLatestQuoteRequest
from alpaca.trading.client import TradingClient
pair = os.environ["APCA_API_KEY_ID"], os.environ["APCA_API_SECRET_KEY"]
print(TradingClient(*pair, paper={paper}).get_account().account_number)
print(StockHistoricalDataClient(*pair).get_stock_latest_quote(StockLatestQuoteRequest(symbol_or_symbols="AAPL"))["AAPL"].ask_price)
"""

BY_HTTPS = """
import os
from alpaca.trading.client import TradingClient
pair = os.environ["APCA_API_KEY_ID"], os.environ["APCA_API_SECRET_KEY"]
print(TradingClient(*pair, url_override="{tls}").get_account().account_number)
"""


@pytest.fixture(scope="module")
def key(paddock):
    return paddock.create_key("--preset", "read-only")


def run(paddock, key, program: str, *options: str) -> subprocess.CompletedProcess:
    """`paddock run` with the access key's secret on standard input, as a person's script would have it."""
    command = [BINARY, "--data-dir", str(paddock.directory), "run", "--key", key.name, "--secret-stdin", *options]
    return subprocess.run(
        [*command, "--", sys.executable, "-c", program],
        input=key.secret_key,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_an_unchanged_program_through_the_proxy(paddock, key):
    done = run(paddock, key, UNCHANGED.format(paper=True), "--proxy")
    assert done.returncode == 0, done.stderr
    account, ask = done.stdout.split()
    assert account == paddock.facts["account_number"]
    assert float(ask) > 0


def test_a_program_that_was_left_on_live_is_told_so(paddock, key):
    done = run(paddock, key, UNCHANGED.format(paper=False), "--proxy")
    assert done.returncode != 0
    assert "opens a paper account" in done.stderr


def test_by_https(paddock, key, tmp_path):
    bundle = tmp_path / "ca.pem"
    assert paddock.run("ca", "export", "--out", str(bundle)).returncode == 0
    program = f"import os; os.environ['REQUESTS_CA_BUNDLE'] = {str(bundle)!r}\n" + BY_HTTPS.format(tls=paddock.facts["tls"])
    done = run(paddock, key, program)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == paddock.facts["account_number"]


def test_https_is_not_trusted_without_the_authority(paddock, key):
    done = run(paddock, key, BY_HTTPS.format(tls=paddock.facts["tls"]))
    assert "CERTIFICATE_VERIFY_FAILED" in done.stderr
