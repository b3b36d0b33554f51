"""The JavaScript SDK, unmodified: by HTTPS, and with its own hosts through the proxy entrance.

It reads no proxy by itself. Node.js does for it, from version 24 on (`NODE_USE_ENV_PROXY`), for what goes by `fetch`; its streams are
opened without Node's agents, so they are given one by the SDK's `wsFactory`, or are led to the TLS entrance by their `url`
(test_crowd.py)."""

import json
import subprocess

from conftest import JAVASCRIPT, NODE, PROXIED_NODE, clean_environment
from paddock import BINARY


def run(paddock, key, node: str, *arguments: str, options: tuple[str, ...] = (), **environment: str) -> str:
    command = [BINARY, "--data-dir", str(paddock.directory), "run", "--key", key.name, *options, "--", node, *arguments]
    done = subprocess.run(
        command,
        env=clean_environment(APCA_API_SECRET_KEY=key.secret_key, **environment),
        cwd=JAVASCRIPT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_an_unchanged_program_through_the_proxy(paddock, trader):
    said = json.loads(run(paddock, trader, PROXIED_NODE, "programs/unchanged.mjs", options=("--proxy",)))
    assert said["account"] == paddock.facts["account_number"]
    assert said["price"] > 0
    assert said["status"] == "filled"
    assert said["other"]["code"] == 40390006


def test_streams_through_the_proxy(paddock, trader):
    said = json.loads(run(paddock, trader, PROXIED_NODE, "programs/proxied_streams.mjs", options=("--proxy",)))
    assert said["update"]["symbol"] == "AAPL"
    assert said["update"]["event"] in {"pending_new", "new", "fill", "partial_fill"}
    assert said["trade"] == "AAPL"


def test_a_program_that_was_left_on_live_is_told_so(paddock, trader):
    said = json.loads(run(paddock, trader, PROXIED_NODE, "programs/unchanged.mjs", "live", options=("--proxy",)))
    assert "opens a paper account" in said["account"]["refused"]
    assert "opens a paper account" in said["status"]["refused"]


def test_by_https(paddock, reader, bundle):
    environment = {"NODE_EXTRA_CA_CERTS": bundle}
    said = run(paddock, reader, "env", f"APCA_API_BASE_URL={paddock.facts['tls']}", NODE, "programs/account.mjs", **environment)
    assert said.strip() == paddock.facts["account_number"]


def test_https_is_not_trusted_without_the_authority(paddock, reader):
    address = f"APCA_API_BASE_URL={paddock.facts['tls']}"
    said = run(paddock, reader, "sh", "-c", f"{address} {NODE} programs/account.mjs 2>&1 || true")
    assert paddock.facts["account_number"] not in said
