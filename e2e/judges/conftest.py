"""What the judges use: fakes that run, our own deliveries, and the table of who judged what."""

import json
import os
import pathlib
import socket
import ssl
import subprocess
import threading
import urllib.parse
import urllib.request

import pytest

KEY_ID = "PKAAAABBBBCCCCDDDDEEEE2345"
SECRET_KEY = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOP12"
ID_NAME, SECRET_NAME = "APCA_API_KEY_ID", "APCA_API_SECRET_KEY"
HERE = pathlib.Path(__file__).parent
ROWS = []


class Fake:
    """One fake service in a process of its own."""

    def __init__(self, name):
        self.process = subprocess.Popen(
            [os.environ["PADDOCK_FAKES"], name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.url = self.process.stdout.readline().strip()
        self.port = int(self.url.rsplit(":", 1)[1])

    def heard(self, method=None):
        """The requests that it has heard, oldest first."""
        with urllib.request.urlopen(f"{self.url}/_fake/heard") as answer:
            heard = json.load(answer)
        return [one for one in heard if method in (None, one["method"])]

    def close(self):
        self.process.stdin.close()
        self.process.wait(10)


@pytest.fixture
def fake():
    """Starts a fake by its name."""
    running = []

    def start(name):
        running.append(Fake(name))
        return running[-1]

    yield start
    for one in running:
        one.close()


def request(heard, *headers):
    """What makes a request: method, path, what the query and the body say, and these headers."""
    query = urllib.parse.parse_qs(heard["query"], keep_blank_values=True)
    return heard["method"], heard["path"], query, said(heard), *(heard["headers"].get(name) for name in headers)


def said(heard):
    """What a body says: its JSON, or its text where it is none."""
    try:
        return json.loads(heard["body"])
    except ValueError:
        return heard["body"]


def deliver(settings, secret=None, fails=False, **more):
    """Delivers the pair as a rotation would, and tells what came of it: success, unless it is to fail."""
    order = {"settings": settings, "secret": secret, "key_id": KEY_ID, "secret_key": SECRET_KEY, **more}
    done = subprocess.run(
        [os.environ["PADDOCK_DELIVER"]], input=json.dumps(order), capture_output=True, text=True, timeout=60
    )
    told = json.loads(done.stdout)
    assert (done.returncode != 0) is fails, told
    return told


def run(*words, **options):
    """Runs a client, which must succeed, and returns its output."""
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, **options)
    assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def script(name):
    """The path of a command line client from npm."""
    return str(HERE / "node_modules" / ".bin" / name)


def node(code, **environment):
    """Runs a module's text in the folder whose packages it uses."""
    return run("node", "--input-type=module", "--eval", code, cwd=HERE, env={**os.environ, **environment})


def npm_version(name):
    """The version of an npm package that is installed here."""
    return json.loads((HERE / "node_modules" / name / "package.json").read_text())["version"]


class Tls:
    """Ends TLS in front of a fake, for clients that speak or log in over nothing else."""

    def __init__(self, fake, folder):
        self.certificate = folder / "certificate.pem"
        key = folder / "key.pem"
        subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
        run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", *subject, "-keyout", str(key), "-out", str(self.certificate))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, key)
        listener = socket.create_server(("127.0.0.1", 0))
        self.port = listener.getsockname()[1]
        self.fake = fake
        threading.Thread(target=self.accept, args=(context, listener), daemon=True).start()

    def accept(self, context, listener):
        while True:
            raw, _ = listener.accept()
            threading.Thread(target=self.serve, args=(context, raw), daemon=True).start()

    def serve(self, context, raw):
        try:
            with context.wrap_socket(raw, server_side=True) as client, socket.create_connection(("127.0.0.1", self.fake.port)) as server:
                threading.Thread(target=self.relay, args=(client, server), daemon=True).start()
                self.relay(server, client)
        except OSError:
            pass

    @staticmethod
    def relay(source, target):
        try:
            while data := source.recv(65536):
                target.sendall(data)
        except OSError:
            pass


@pytest.fixture(name="judged")
def judged_fixture(request):
    """Writes a row of the table when the test passes: consumer, client, its version, and what was judged."""
    rows = []
    yield lambda *row: rows.append(row)
    if getattr(request.node, "passed", False):
        ROWS.extend(rows)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    if call.when == "call":
        item.passed = outcome.get_result().passed


def pytest_sessionfinish():
    path = os.environ.get("PADDOCK_JUDGED")
    if path:
        pathlib.Path(path).write_text(json.dumps(sorted(ROWS)))
