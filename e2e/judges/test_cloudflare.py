"""Cloudflare Workers: its SDK and wrangler send what we send, and a Worker in the real runtime proves the pair in use."""

import http.server
import json
import os
import signal
import subprocess
import threading

import pytest

from conftest import ID_NAME, KEY_ID, SECRET_KEY, SECRET_NAME, deliver, node, npm_version, request, run, said, script

ACCOUNT = "023e105f4ecef8ad9ca31a8372d0c353"
PAIR = {ID_NAME: KEY_ID, SECRET_NAME: SECRET_KEY}

pytestmark = pytest.mark.large


def deliver_to(fake, **more):
    settings = {"kind": "cloudflare_workers", "account_id": ACCOUNT, "script": "bot", "api": f"{fake.url}/client/v4"}
    if url := more.pop("in_use", None):
        settings["in_use"] = {"url": url}
    return deliver(settings, "cf-fake", **more)


def test_cloudflare_sdk(fake, judged):
    theirs, ours = fake("cloudflare"), fake("cloudflare")
    secrets = {name: {"name": name, "text": text, "type": "secret_text"} for name, text in PAIR.items()}
    code = """
        import Cloudflare from 'cloudflare';
        const client = new Cloudflare({apiToken: 'cf-fake', baseURL: process.env.URL_OF_FAKE + '/client/v4', maxRetries: 0});
        await client.workers.scripts.secrets.bulkUpdate('bot', {account_id: process.env.ACCOUNT, secrets: JSON.parse(process.env.SECRETS)});
    """
    node(code, URL_OF_FAKE=theirs.url, ACCOUNT=ACCOUNT, SECRETS=json.dumps(secrets))
    deliver_to(ours)
    [their], [our] = theirs.heard("PATCH"), ours.heard("PATCH")
    assert request(our, "authorization", "content-type") == request(their, "authorization", "content-type")
    assert our["body"] == their["body"]
    judged("Cloudflare Workers", "cloudflare (Node.js)", npm_version("cloudflare"), "sets both secrets at once; our request has the same bytes")


def test_wrangler(fake, judged, tmp_path):
    theirs, ours = fake("cloudflare"), fake("cloudflare")
    wrangler, at_ours = wrangler_at(theirs, tmp_path), wrangler_at(ours, tmp_path)
    wrangler("secret", "put", ID_NAME, "--name", "bot", input=KEY_ID)
    wrangler("secret", "bulk", "--name", "bot", input=json.dumps(PAIR))
    deliver_to(ours)
    [their], [our] = theirs.heard("PATCH"), ours.heard("PATCH")
    assert request(our, "authorization") == request(their, "authorization")
    assert our["body"] == their["body"]
    listed = at_ours("secret", "list", "--name", "bot")
    names = {one["name"] for one in json.loads(listed[listed.index("["):])}
    assert {ID_NAME, SECRET_NAME, "OTHER"} == names
    judged("Cloudflare Workers", "wrangler", npm_version("wrangler"), "sets one secret and both in bulk, and lists ours; our request has the same bytes as its bulk, and calls them JSON as the SDK does where it calls them a merge patch")


def wrangler_at(fake, folder):
    environment = {
        **os.environ,
        "HOME": str(folder),
        "CLOUDFLARE_API_BASE_URL": f"{fake.url}/client/v4",
        "CLOUDFLARE_API_TOKEN": "cf-fake",
        "CLOUDFLARE_ACCOUNT_ID": ACCOUNT,
        "WRANGLER_SEND_METRICS": "false",
        "CI": "true",
    }
    return lambda *words, **options: run(script("wrangler"), *words, cwd=folder, env=environment, **options)


WORKER = """
export default {
  async fetch(request, env) {
    const login = {'APCA-API-KEY-ID': env.APCA_API_KEY_ID, 'APCA-API-SECRET-KEY': env.APCA_API_SECRET_KEY};
    const account = await fetch(env.ALPACA + '/v2/account', {headers: login});
    if (!account.ok) return new Response('refused', {status: 503});
    const {status} = await account.json();
    const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(env.APCA_API_KEY_ID)));
    const key_id_sha256 = Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
    return Response.json({status, key_id_sha256});
  }
};
"""


class Account(http.server.BaseHTTPRequestHandler):
    """Alpaca, for whoever has the pair that is in use there."""

    def do_GET(self):
        known = (self.headers["apca-api-key-id"], self.headers["apca-api-secret-key"]) == self.server.pair
        text = b'{"status":"ACTIVE"}' if known and self.path == "/v2/account" else b'{"message":"forbidden."}'
        self.send_response(200 if known else 403)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


def deployed(fake):
    """The bindings of the Worker as its last version has them: what the fake was sent."""
    return {one["name"]: one["text"] for one in said(fake.heard("PATCH")[-1])["secrets"].values()}


class Workerd:
    """The Worker in Cloudflare's own runtime, with these bindings."""

    def __init__(self, folder, alpaca, bindings):
        (folder / "worker.js").write_text(WORKER)
        every = {**bindings, "ALPACA": alpaca}
        told = ", ".join(f"(name = {json.dumps(name)}, text = {json.dumps(text)})" for name, text in every.items())
        (folder / "bot.capnp").write_text(f"""
            using Workerd = import "/workerd/workerd.capnp";
            const config :Workerd.Config = (
              services = [
                (name = "bot", worker = (
                  modules = [(name = "worker.js", esModule = embed "worker.js")],
                  bindings = [{told}],
                  compatibilityDate = "2026-01-01",
                )),
                (name = "internet", network = (allow = ["private", "local"])),
              ],
              sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "bot")],
            );
        """)
        command = [script("workerd"), "serve", "bot.capnp", "--control-fd=1"]
        # npm's script starts the program as a child, and the wheel's Node.js is one of another: all end together, as a group.
        self.process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True, start_new_session=True)
        for line in self.process.stdout:
            told = json.loads(line)
            if told["event"] == "listen":
                self.url = f"http://127.0.0.1:{told['port']}/"
                break

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.killpg(self.process.pid, signal.SIGTERM)
        self.process.wait(10)
        self.process.stdout.close()


def test_workerd(fake, judged, tmp_path):
    service = fake("cloudflare")
    alpaca = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Account)
    threading.Thread(target=alpaca.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{alpaca.server_address[1]}"
    old = {"key_id": "PKZZZZBBBBCCCCDDDDEEEE2345", "secret_key": SECRET_KEY[::-1]}
    deliver_to(service, **old)
    # The old pair is dead at Alpaca, and the Worker that was started with it cannot say otherwise.
    alpaca.pair = (KEY_ID, SECRET_KEY)
    with Workerd(tmp_path, address, deployed(service)) as worker:
        told = deliver_to(service, in_use=worker.url, fails=True)
        assert "not proven" in told["error"]
    with Workerd(tmp_path, address, deployed(service)) as worker:
        told = deliver_to(service, in_use=worker.url)
        assert told["in_use"] == "its URL answers ACTIVE with the new Key ID"
    # One that still works, because Alpaca were to let both live, is told apart by the Key ID's hash.
    alpaca.pair = tuple(old.values())
    with Workerd(tmp_path, address, {ID_NAME: old["key_id"], SECRET_NAME: old["secret_key"]}) as worker:
        told = deliver_to(service, in_use=worker.url, fails=True)
        assert "not proven" in told["error"]
    alpaca.shutdown()
    version = run(script("workerd"), "--version").split()[-1]
    judged("Cloudflare Workers", "workerd", version, "runs a Worker with what we sent as its bindings, which proves the new pair in use; with the old one it proves nothing")
