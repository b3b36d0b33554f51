"""What the tests share: one Paddock with something in it, by its admin socket; and another one by its web listener, with API tokens."""

import base64
import json
import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "python"))

from paddock import BINARY, Paddock  # noqa: E402

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


def join(web: str, link: str, name: str) -> None:
    """Becomes somebody by the set-up link or an invitation."""
    password = "lantern oyster gravel violin"
    fields = {"name": name, "password": password, "again": password}
    answer = requests.post(link, data=fields, headers={"Origin": web}, timeout=PATIENCE, allow_redirects=False)
    assert answer.status_code == 303, answer.text


def fill(cli, gateway: str, web: str, paper: str, connection: str) -> dict:
    """Puts one or more of everything into a Paddock: their names, by the word of a path before which they stand. What ends a thing is tried on the
    last of its kind."""
    connections = [connection, "spare"]
    account = cli("paper", "account", "create", "--url", paper)
    pair = {"APCA_API_KEY_ID": account["key_id"], "APCA_API_SECRET_KEY": account["secret_key"]}
    cli("connection", "add", "spare", "--environment", "paper", **pair)
    rotations = [cli("rotation", "plan", name)["id"] for name in connections]
    consumers = [f"consumer-{number}" for number in range(2)]
    with tempfile.NamedTemporaryFile("w") as secret:
        secret.write("whsec_" + base64.b64encode(bytes(24)).decode())
        secret.flush()
        for name in consumers:
            # A check of it goes no further than this machine, where nobody listens.
            words = ("--kind", "webhook", "--set", "url=https://localhost:1/", "--secret-file", secret.name)
            cli("consumer", "add", name, "--connection", connection, *words)
    people = [f"guest-{number}" for number in range(2)]
    for name in people:
        join(web, cli("person", "invite", "--role", "operator")["link"], name)
    invitations = [cli("person", "invite", "--role", "viewer")["invitation"]["id"] for _ in range(2)]
    tokens = [f"token-{number}" for number in range(2)]
    for name in tokens:
        cli("token", "create", name, "--person", people[0])
    keys = [f"key-{number}" for number in range(4)]
    for name in keys:
        cli("key", "create", name, "--connection", connection, "--preset", "trader")
    held = cli("key", "create", "asks", "--connection", connection, "--preset", "trader", "--approval-over", "always")
    headers = {"APCA-API-KEY-ID": held["key_id"], "APCA-API-SECRET-KEY": held["secret_key"]}
    order = {"symbol": "AAPL", "qty": "1", "side": "buy", "type": "market", "time_in_force": "day"}
    for _ in range(3):
        requests.post(gateway + "/v2/orders", json=order, headers=headers, timeout=PATIENCE)
    approvals = [one["id"] for one in cli("approval", "list")]
    assert approvals
    trader = cli("key", "create", "trades", "--connection", connection, "--preset", "trader")
    headers = {"APCA-API-KEY-ID": trader["key_id"], "APCA-API-SECRET-KEY": trader["secret_key"]}
    # One that fills, for a position, and two that stay open.
    far = order | {"type": "limit", "limit_price": "1"}
    answers = [requests.post(gateway + "/v2/orders", json=one, headers=headers, timeout=PATIENCE) for one in (order, far, far)]
    orders = [answer.json()["id"] for answer in answers]
    activity = [one["request"] for one in cli("activity", "list")["items"]]
    assert activity
    return {
        "activity": activity,
        "approvals": approvals,
        "connections": connections,
        "consumers": consumers,
        "invitations": invitations,
        "keys": keys,
        "orders": orders,
        "people": people,
        "positions": ["AAPL"],
        "rotations": rotations,
        "tokens": tokens,
    }


@pytest.fixture(scope="session")
def known(paddock, session):
    """Names of things that are there."""
    return fill(paddock.cli, paddock.gateway, paddock.facts["web"], paddock.facts["paper"], "demo")


class Served:
    """`paddock serve` before the demo's broker, as people and their scripts reach it: by the web listener."""

    def __init__(self, directory: Path, facts: dict):
        directory.mkdir()
        self.directory = directory
        self.paper = facts["paper"]
        # What is walked here is no script that runs wild.
        (directory / "config.toml").write_text("[limits]\napi_per_minute = 1000000000\n")
        self._environment = os.environ | {
            "PADDOCK_ALPACA_PAPER_URL": facts["paper"],
            "PADDOCK_ALPACA_LIVE_URL": facts["paper_live"],
            "PADDOCK_ALPACA_DATA_URL": facts["paper"],
            "PADDOCK_ALPACA_STREAM_URL": facts["paper"].replace("http", "ws", 1),
            "PADDOCK_PAPER_URL": facts["paper"],
        }
        command = [BINARY, "serve", "--data-dir", str(directory), "--web", "127.0.0.1:0", "--gateway", "127.0.0.1:0", "--json"]
        self._log = open(directory.with_suffix(".log"), "w+")
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self._log, text=True, env=self._environment)
        printed = ""
        while not printed.endswith("\n}\n"):
            line = self._process.stdout.readline()
            assert line, self.said()
            printed += line
        told = json.loads(printed)
        self.web, self.gateway, self._set_up = told["web"], told["gateway"], told["set_up"]

    def cli(self, *arguments: str, **environment: str):
        """Runs `paddock ARGUMENTS --json` on its data directory: what it printed."""
        command = [BINARY, "--data-dir", str(self.directory), *arguments, "--json"]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False, env=self._environment | environment)
        assert done.returncode == 0, f"paddock {' '.join(arguments)}: {done.stderr}"
        return json.loads(done.stdout) if done.stdout.strip() else {}

    def populate(self) -> dict:
        """Makes an owner, a viewer and things to ask for."""
        join(self.web, self._set_up, "ada")
        join(self.web, self.cli("person", "invite", "--role", "viewer")["link"], "vera")
        account = self.cli("paper", "account", "create")
        pair = {"APCA_API_KEY_ID": account["key_id"], "APCA_API_SECRET_KEY": account["secret_key"]}
        self.cli("connection", "add", "main", "--environment", "paper", **pair)
        there = fill(self.cli, self.gateway, self.web, self.paper, "main")
        # Sessions are a person's own: the owner's, in which nobody sits any more.
        with self.token("looks", "--person", "ada") as session:
            sessions = session.get(self.web + "/api/v1/sessions", timeout=PATIENCE).json()["items"]
        return there | {"sessions": [one["id"] for one in sessions]}

    def token(self, name: str, *words: str) -> requests.Session:
        """A session with an API token."""
        session = requests.Session()
        session.headers["Authorization"] = "Bearer " + self.cli("token", "create", name, *words)["secret"]
        return session

    def said(self) -> str:
        self._log.seek(0)
        return self._log.read()

    def stop(self) -> int:
        self._process.terminate()
        return self._process.wait(timeout=PATIENCE)


@pytest.fixture(scope="session")
def served(paddock, tmp_path_factory):
    server = Served(tmp_path_factory.mktemp("served") / "data", paddock.facts)
    yield server
    assert server.stop() == 0, server.said()


@pytest.fixture(scope="session")
def there(served):
    """Names of things that are there."""
    return served.populate()


@pytest.fixture(scope="session")
def owner(served, there):
    """An owner's token that may do all that a token may."""
    with served.token("walker", "--person", "ada", "--may-without-factor") as session:
        yield session


@pytest.fixture(scope="session")
def usual(served, there):
    """An owner's token that is no proof of who is there, as tokens are."""
    with served.token("script", "--person", "ada") as session:
        yield session


@pytest.fixture(scope="session")
def viewer(served, there):
    """A viewer's token."""
    with served.token("watcher", "--person", "vera") as session:
        yield session
