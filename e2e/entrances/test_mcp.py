"""alpaca-mcp-server, unmodified and with its own hosts, drives an account through the proxy entrance as an AI agent would."""

import json
import subprocess

from conftest import HERE, MCP, PROGRAMS, clean_environment, printed
from paddock import BINARY

CALLS = [
    ("get_account_info", {}),
    ("get_stock_latest_quote", {"symbols": "AAPL"}),
    ("place_stock_order", {"symbol": "AAPL", "side": "buy", "qty": "1", "type": "market", "time_in_force": "day"}),
    ("get_orders", {"status": "closed", "limit": 1}),
    ("place_stock_order", {"symbol": "TSLA", "side": "buy", "qty": "1", "type": "market", "time_in_force": "day"}),
    ("place_stock_order", {"symbol": "AAPL", "side": "buy", "qty": "1000", "type": "market", "time_in_force": "day"}),
]


def said(command: list[str], **environment: str) -> list[str]:
    """What the server's tools answered to the calls."""
    done = subprocess.run(
        [MCP, str(PROGRAMS / "agent.py"), *command],
        input=json.dumps(CALLS),
        env=clean_environment(MCP, **environment),
        cwd=HERE,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def check(paddock, answers: list[str]) -> None:
    account, quote, _, orders, other_symbol, too_large = answers
    assert paddock.facts["account_number"] in account
    assert '"ap"' in quote and "AAPL" in quote
    assert '"filled"' in orders and "AAPL" in orders
    assert "40390006" in other_symbol and "TSLA" in other_symbol
    assert "40390010" in too_large and "5,000" in too_large


def test_with_what_env_prints(paddock, trader):
    server = ["bash", "-c", printed(paddock, trader, "mcp") + "exec alpaca-mcp-server"]
    check(paddock, said(server))


def test_by_paddock_run(paddock, trader):
    """As the settings of an MCP client name it: the secret stands in the environment, since standard input is the protocol's."""
    server = [BINARY, "--data-dir", str(paddock.directory), "run", "--key", trader.name, "--proxy", "--", "alpaca-mcp-server"]
    check(paddock, said(server, APCA_API_SECRET_KEY=trader.secret_key))
