"""The paper broker as the tests of Python clients run it: `paddock paper serve` on free ports, with its accounts and its record."""

import json
import os
import subprocess
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path

import requests

BINARY = os.environ.get("PADDOCK_BIN", str(Path(__file__).resolve().parents[3] / "target/debug/paddock"))


@dataclass(frozen=True)
class Account:
    """An account at the broker, with the pair that opens it and the address of its environment."""

    number: str
    key_id: str
    secret_key: str
    url: str

    def stream(self, path: str) -> str:
        """The address of one of its streams."""
        return self.url.replace("http", "ws", 1) + path


class Broker:
    """A running `paddock paper serve`."""

    def __init__(self, *options: str):
        self._directory = tempfile.TemporaryDirectory(prefix="paddock-clients-")
        self.record = Path(self._directory.name) / "exchanges.jsonl"
        self.record.touch()
        listeners = ["--listen", "127.0.0.1:0", "--live-listen", "127.0.0.1:0"]
        recording = ["--record-exchanges", str(self.record)]
        command = [BINARY, "paper", "serve", *listeners, *recording, "--json", *options]
        self._process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self._errors: list[str] = []
        threading.Thread(target=lambda: self._errors.extend(self._process.stderr), daemon=True).start()
        printed = ""
        for line in self._process.stdout:
            printed += line
            if line == "}\n":
                break
        else:
            self._process.wait()
            raise RuntimeError("paddock paper serve did not come up; it said:\n" + "".join(self._errors))
        self.urls: dict[str, str] = json.loads(printed)

    def dashboard(self, method: str, path: str, content: dict | None = None) -> dict:
        """One request to the key dashboard."""
        answer = requests.request(method, f"{self.urls['paper']}/dashboard/v1{path}", json=content, timeout=30)
        answer.raise_for_status()
        return answer.json() if answer.content else {}

    def account(self, environment: str = "paper", cash: str = "100000") -> Account:
        """Opens an account."""
        made = self.dashboard("POST", "/accounts", {"environment": environment, "cash": cash})
        return Account(made["account_number"], made["key_id"], made["secret_key"], self.urls[environment])

    def regenerate(self, account: Account) -> Account:
        """Gives the account a new pair; the old one is dead."""
        made = self.dashboard("POST", f"/accounts/{account.number}/keys")
        return Account(account.number, made["key_id"], made["secret_key"], account.url)

    def step(self, seconds: int) -> None:
        """Moves a stepped clock."""
        self.dashboard("POST", "/clock/step", {"seconds": seconds})

    def stop(self) -> int:
        """Ends it as a service manager would, and returns its exit status."""
        self._process.terminate()
        try:
            return self._process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise
        finally:
            # Where the whole run's exchanges are gathered, for the schema suite.
            if gathered := os.environ.get("PADDOCK_RECORD_EXCHANGES"):
                with open(gathered, "ab") as file:
                    file.write(self.record.read_bytes())
            self._directory.cleanup()
