"""Paddock as the tests run it: one `paddock demo` in a directory of its own, and its command line."""

import json
import os
import queue
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path

BINARY = os.environ.get("PADDOCK_BIN", str(Path(__file__).resolve().parents[2] / "target/debug/paddock"))
START_SECONDS = 60


@dataclass(frozen=True)
class AccessKey:
    """A pair that Paddock issued."""

    name: str
    key_id: str
    secret_key: str


class Paddock:
    """A running `paddock demo`: broker, gateway and web on free ports, its market open around the clock."""

    def __init__(self, directory: Path):
        self.directory = directory
        self._output: list[str] = []
        listeners = [word for name in ("web", "gateway", "tls", "proxy", "paper", "paper-live") for word in (f"--{name}", "127.0.0.1:0")]
        self._process = subprocess.Popen(
            [BINARY, "demo", "--data-dir", str(directory), *listeners],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            self.facts = self._wait_until_ready()
        except BaseException:
            self.stop()
            raise
        self.gateway: str = self.facts["gateway"]
        self.demo_key = AccessKey("demo", **self.facts["access_key"])
        self._keys = 0

    def _wait_until_ready(self) -> dict:
        lines: queue.Queue[str | None] = queue.Queue()

        def read() -> None:
            for line in self._process.stdout:
                self._output.append(line)
                lines.put(line)
            lines.put(None)

        threading.Thread(target=read, daemon=True).start()
        # demo.json is written in one step when everything is up; each line of output is a reason to look for it.
        path, deadline = self.directory / "demo.json", time.monotonic() + START_SECONDS
        while not path.exists():
            try:
                ended = lines.get(timeout=0.2) is None
            except queue.Empty:
                ended = False
            if ended or time.monotonic() > deadline:
                raise RuntimeError("paddock demo did not come up; it said:\n" + "".join(self._output))
        return json.loads(path.read_text())

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
        """Runs `paddock ARGUMENTS` on this instance's data directory, with these variables of the environment."""
        command = [BINARY, "--data-dir", str(self.directory), *arguments]
        return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False, env=os.environ | environment)

    def cli(self, *arguments: str, **environment: str) -> dict | list:
        """The same with `--json`: what it printed. A failure is an error with its words."""
        done = self.run(*arguments, "--json", **environment)
        if done.returncode != 0:
            raise RuntimeError(f"paddock {' '.join(arguments)} failed:\n{done.stdout}{done.stderr}")
        return json.loads(done.stdout) if done.stdout.strip() else {}

    def create_key(self, *scope: str) -> AccessKey:
        """Issues an access key of the demo's connection with a name of its own."""
        self._keys += 1
        name = f"test-{self._keys}"
        created = self.cli("key", "create", name, "--connection", "demo", *scope)
        return AccessKey(name, created["key_id"], created["secret_key"])

    def files(self) -> dict[Path, bytes]:
        """What its directory holds. A file that the running server has renamed meanwhile is left out."""
        found = {}
        for path in self.directory.rglob("*"):
            try:
                if path.is_file():
                    found[path] = path.read_bytes()
            except FileNotFoundError:
                continue
        return found

    @property
    def output(self) -> str:
        """All that the server has printed."""
        return "".join(self._output)

    def stop(self) -> int:
        """Ends it as a service manager would, and returns its exit status."""
        if self._process.poll() is None:
            self._process.terminate()
        try:
            return self._process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise
