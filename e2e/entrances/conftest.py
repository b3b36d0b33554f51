"""What the tests share: one Paddock with all three entrances, and the interpreters that the clients run in."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from paddock import BINARY, AccessKey, Paddock

HERE = Path(__file__).parent
PROGRAMS = HERE / "programs"
JAVASCRIPT = HERE.parent / "js"
TOOLS = HERE.parents[1] / ".tools"

# One interpreter for each client, because they want different versions of what they depend on. The second Node.js is one that
# takes its proxy from the environment.
PYTHON = sys.executable
ARCHIVED = os.environ.get("PADDOCK_TEST_ALPACA_TRADE_API", str(TOOLS / "venv-alpaca-trade-api/bin/python"))
MCP = os.environ.get("PADDOCK_TEST_MCP", str(TOOLS / "venv-mcp/bin/python"))
NODE = os.environ.get("PADDOCK_TEST_NODE") or shutil.which("node")
PROXIED_NODE = os.environ.get("PADDOCK_TEST_PROXIED_NODE", str(TOOLS / "venv-node/bin/node"))

CLIENT_VARIABLES = ("APCA_", "ALPACA_", "DATA_", "HTTPS_PROXY", "NO_PROXY", "SSL_CERT_", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_")


def clean_environment(*programs: str, **more: str) -> dict[str, str]:
    """The environment without anything that a client would read, and with the directories of these programs first on PATH."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(CLIENT_VARIABLES)}
    directories = [str(Path(program).parent) for program in programs] + [os.environ["PATH"]]
    return {**kept, "PATH": os.pathsep.join(directories), **more}


@pytest.fixture(scope="session")
def paddock(tmp_path_factory):
    server = Paddock(tmp_path_factory.mktemp("paddock"))
    yield server
    assert server.stop() == 0, "paddock demo did not end cleanly:\n" + server.output


@pytest.fixture(scope="session")
def bundle(paddock, tmp_path_factory) -> str:
    """The certificate of Paddock's authority, as `paddock ca export` gives it."""
    file = tmp_path_factory.mktemp("ca") / "paddock-ca.pem"
    exported = paddock.run("ca", "export", "--out", str(file))
    assert exported.returncode == 0, exported.stderr
    return str(file)


@pytest.fixture(scope="session")
def reader(paddock) -> AccessKey:
    return paddock.create_key("--preset", "read-only")


@pytest.fixture(scope="session")
def trader(paddock) -> AccessKey:
    """What a newcomer would give to an agent: two symbols, and orders that are not large."""
    return paddock.create_key("--preset", "trader", "--symbols", "AAPL,MSFT", "--max-notional", "5000")


def printed(paddock: Paddock, key: AccessKey, client: str) -> str:
    """What `paddock env KEY --for CLIENT` prints, to the letter."""
    command = [BINARY, "--data-dir", str(paddock.directory), "env", key.name, "--for", client, "--secret-stdin"]
    done = subprocess.run(command, input=key.secret_key, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def pasted(text: str, *programs: str, then: str = "", cwd: Path = HERE) -> str:
    """What a shell says to that text, as if somebody had pasted it, and to a command after it."""
    done = subprocess.run(
        ["bash", "-eu"],
        input=text + "\n" + then + "\n",
        env=clean_environment(*programs),
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
