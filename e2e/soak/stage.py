"""A paper broker and a Paddock before it, with as many accounts and access keys as are asked for."""

import asyncio
import json
import os
import secrets
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import wire

BINARY = os.environ.get("PADDOCK_BIN", str(Path(__file__).resolve().parents[2] / "target/debug/paddock"))
START_SECONDS = 60


@dataclass
class Account:
    number: str
    key_id: str
    secret_key: str


@dataclass
class Key:
    """An access key, and the orders that were sent with it."""

    name: str
    key_id: str
    secret_key: str
    account: Account
    resting: list[str] = field(default_factory=list)


def free_port() -> int:
    import socket

    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Stage:
    """Both servers. Accounts trade around the clock."""

    def __init__(self, directory: str):
        self.directory = Path(directory)
        self.broker_port, live, self.gateway_port, web = (free_port() for _ in range(4))
        self._token = secrets.token_hex(16)
        self._log = open(self.directory / "log", "w+")
        environment = {**os.environ, "PADDOCK_PAPER_ADMIN_TOKEN": self._token}
        listen = ["--listen", f"127.0.0.1:{self.broker_port}", "--live-listen", f"127.0.0.1:{live}"]
        self._broker = self._start([BINARY, "paper", "serve", "--hold-open", *listen], environment)
        broker, data = f"127.0.0.1:{self.broker_port}", self.directory / "data"
        environment = {
            **os.environ,
            "PADDOCK_ALPACA_PAPER_URL": f"http://{broker}",
            "PADDOCK_ALPACA_LIVE_URL": f"http://127.0.0.1:{live}",
            "PADDOCK_ALPACA_DATA_URL": f"http://{broker}",
            "PADDOCK_ALPACA_STREAM_URL": f"ws://{broker}",
        }
        data.mkdir()
        listen = ["--gateway", f"127.0.0.1:{self.gateway_port}", "--web", f"127.0.0.1:{web}"]
        self._gateway = self._start([BINARY, "--data-dir", str(data), "serve", *listen], environment)
        self.data = data

    def _start(self, command: list[str], environment: dict[str, str]) -> subprocess.Popen:
        return subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log)

    async def up(self) -> None:
        """Waits until both answer."""
        for port in (self.broker_port, self.gateway_port):
            for _ in range(START_SECONDS * 20):
                try:
                    await wire.tcp(port, {}).ask("GET", "/v2/clock")
                    break
                except wire.Broken:
                    await asyncio.sleep(0.05)
            else:
                raise RuntimeError("a server did not come up; it said:\n" + self.said())
        self.api = wire.unix(str(self.data / "paddock.sock"))
        self.admin = wire.tcp(self.broker_port, {"Authorization": f"Bearer {self._token}"})

    async def account(self, number: int) -> Account:
        content = {"environment": "paper", "cash": "1000000000"}
        status, made = await self.admin.ask("POST", "/dashboard/v1/accounts", content)
        assert status < 300, made
        account = Account(made["account_number"], made["key_id"], made["secret_key"])
        command = [BINARY, "--data-dir", str(self.data), "connection", "add", f"c{number}", "--environment", "paper"]
        command += ["--key-id", account.key_id, "--secret-stdin"]
        subprocess.run(command, input=account.secret_key, text=True, check=True, stdout=subprocess.DEVNULL)
        return account

    async def key(self, name: str, connection: int, account: Account) -> Key:
        """A key that may trade, whose caps are counted and never reached."""
        scope = {"max_daily_notional": "1000000000", "max_daily_orders": 1_000_000}
        content = {"name": name, "connection": f"c{connection}", "preset": "trader", **scope}
        status, made = await self.api.ask("POST", "/api/v1/keys", content)
        assert status < 300, made
        return Key(name, made["key_id"], made["secret_key"], account)

    def resident(self) -> int:
        """Bytes of the gateway's memory."""
        status = Path(f"/proc/{self._gateway.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) * 1024

    def verify(self) -> str:
        """What `paddock audit verify` says."""
        done = subprocess.run(
            [BINARY, "--data-dir", str(self.data), "audit", "verify", "--json"], capture_output=True, text=True, check=False
        )
        return "ok" if done.returncode == 0 else done.stdout + done.stderr

    def said(self) -> str:
        self._log.flush()
        return (self.directory / "log").read_text()[-4000:]

    def stop(self) -> tuple[int, int]:
        statuses = []
        for process in (self._gateway, self._broker):
            process.terminate()
            try:
                statuses.append(process.wait(timeout=90))
            except subprocess.TimeoutExpired:
                process.kill()
                statuses.append(process.wait())
        return tuple(statuses)
