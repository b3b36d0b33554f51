"""What the tests share: one Paddock with something in it, and a session that reaches its admin socket."""

import socket
import sys
from pathlib import Path

import pytest
import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "python"))

from paddock import Paddock  # noqa: E402

# Seconds for one request: a freeze may wait for what it does.
PATIENCE = 60


class AdminSocket(HTTPAdapter):
    """Sends every request to `paddock.sock`, whatever its host."""

    def __init__(self, path: Path):
        super().__init__()

        class Connection(HTTPConnection):
            def connect(self):
                self.sock = socket.socket(socket.AF_UNIX)
                self.sock.settimeout(PATIENCE)
                self.sock.connect(str(path))

        class Pool(HTTPConnectionPool):
            ConnectionCls = Connection

        self._pool = Pool("paddock", maxsize=4)

    def get_connection_with_tls_context(self, *_args, **_kwargs):
        return self._pool


@pytest.fixture(scope="session")
def paddock(tmp_path_factory):
    server = Paddock(tmp_path_factory.mktemp("paddock"))
    yield server
    assert server.stop() == 0, "paddock demo did not end cleanly:\n" + server.output


@pytest.fixture(scope="session")
def session(paddock):
    """The owner's, without sign-in and without a limit of requests."""
    with requests.Session() as session:
        session.mount("http://", AdminSocket(paddock.directory / "paddock.sock"))
        yield session


@pytest.fixture(scope="session")
def known(paddock, session):
    """Names of things that are there, by the kind of path that they stand in."""
    keys = [f"key-{number}" for number in range(6)]
    for name in keys:
        paddock.cli("key", "create", name, "--connection", "demo", "--preset", "trader")
    held = paddock.create_key("--preset", "trader", "--approval-over", "always")
    headers = {"APCA-API-KEY-ID": held.key_id, "APCA-API-SECRET-KEY": held.secret_key}
    order = {"symbol": "AAPL", "qty": "1", "side": "buy", "type": "market", "time_in_force": "day"}
    for _ in range(3):
        requests.post(paddock.gateway + "/v2/orders", json=order, headers=headers, timeout=PATIENCE)
    approvals = [one["id"] for one in paddock.cli("approval", "list")]
    assert approvals
    return {"connections": ["demo"], "keys": keys, "approvals": approvals}
