"""The built-in broker alone, and a gateway before it, each a process of its own."""

import json
import os
import subprocess
from pathlib import Path

from paddock import BINARY, AccessKey

PATIENCE = 60
"""Seconds that anything may take."""


def ready(process: subprocess.Popen, name: str) -> dict:
    """The JSON document that a server prints when it is up."""
    printed = ""
    while not printed.endswith("}\n"):
        line = process.stdout.readline()
        assert line, f"{name} did not come up; it said: {printed}"
        printed += line
    return json.loads(printed)


class Broker:
    """A running `paddock paper serve` on free ports, its market open around the clock."""

    def __init__(self, directory: Path, *options: str):
        words = ["--data-dir", str(directory), "--listen", "127.0.0.1:0", "--live-listen", "127.0.0.1:0", "--hold-open", *options, "--json"]
        self._process = subprocess.Popen(
            [BINARY, "paper", "serve", *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.urls: dict[str, str] = ready(self._process, "paddock paper serve")

    def account(self, environment: str = "paper") -> dict:
        """A new account with its pair, and where it trades."""
        command = [BINARY, "paper", "account", "create", "--environment", environment, "--url", self.urls["paper"]]
        created = subprocess.run([*command, "--json"], capture_output=True, text=True, timeout=PATIENCE, check=True)
        pair = json.loads(created.stdout)
        return {"key": pair["key_id"], "secret": pair["secret_key"], "url": self.urls[environment]}

    def stop(self) -> int:
        self._process.terminate()
        return self._process.wait(timeout=PATIENCE)


class Gateway:
    """A running `paddock serve` before a broker, with one of its accounts connected; streams of data come from wherever it is said."""

    def __init__(self, directory: Path, broker: Broker, stream_url: str | None = None):
        self._environment = {
            **os.environ,
            "PADDOCK_DATA_DIR": str(directory),
            "PADDOCK_ALPACA_PAPER_URL": broker.urls["paper"],
            "PADDOCK_ALPACA_LIVE_URL": broker.urls["live"],
            "PADDOCK_ALPACA_DATA_URL": broker.urls["paper"],
            "PADDOCK_ALPACA_STREAM_URL": stream_url or broker.urls["paper"].replace("http", "ws", 1),
        }
        self.account = broker.account()
        connection = ["connection", "add", "main", "--environment", "paper", "--key-id", self.account["key"], "--secret-stdin"]
        self._cli(*connection, said=self.account["secret"] + "\n")
        self._process = subprocess.Popen(
            [BINARY, "serve", "--gateway", "127.0.0.1:0", "--web", "127.0.0.1:0", "--json"],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.url: str = ready(self._process, "paddock serve")["gateway"]
        self._keys = 0

    def _cli(self, *arguments: str, said: str = "") -> dict:
        command = [BINARY, *arguments, "--json"]
        done = subprocess.run(
            command, env=self._environment, input=said, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)

    def create_key(self, *scope: str) -> AccessKey:
        """Issues an access key with a name of its own."""
        self._keys += 1
        name = f"test-{self._keys}"
        created = self._cli("key", "create", name, "--connection", "main", *scope)
        return AccessKey(name, created["key_id"], created["secret_key"])

    def stop(self) -> int:
        self._process.terminate()
        return self._process.wait(timeout=PATIENCE)
