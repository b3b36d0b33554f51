"""Heroku and GitHub Actions: their own clients succeed against the fakes, and send what we send."""

import base64
import os
import shutil

import pytest
from nacl.public import PrivateKey, SealedBox

from conftest import ID_NAME, KEY_ID, SECRET_KEY, SECRET_NAME, Tls, deliver, npm_version, request, run, said, script

PAIR = {ID_NAME: KEY_ID, SECRET_NAME: SECRET_KEY}

pytestmark = pytest.mark.large


def test_heroku(fake, judged, tmp_path):
    theirs, ours = fake("heroku"), fake("heroku")
    heroku, at_ours = heroku_at(theirs, tmp_path), heroku_at(ours, tmp_path)
    heroku("config:set", *(f"{name}={value}" for name, value in PAIR.items()), "-a", "bot")
    deliver({"kind": "heroku", "apps": ["bot"], "api": ours.url}, "HRKU-fake")
    [their], [our] = theirs.heard("PATCH"), ours.heard("PATCH")
    assert request(our, "accept", "authorization") == request(their, "accept", "authorization")
    assert our["body"] == their["body"]
    assert at_ours("config:get", ID_NAME, "-a", "bot").strip() == KEY_ID
    judged("Heroku", "heroku", npm_version("heroku"), "sets and gets config vars; our request has the same bytes")


def heroku_at(fake, home):
    environment = {
        **os.environ,
        "HOME": str(home),
        "HEROKU_API_KEY": "HRKU-fake",
        "HEROKU_HOST": fake.url,
        "HEROKU_API_URL": fake.url,
        "HEROKU_DISABLE_TELEMETRY": "true",
        "HEROKU_SKIP_NEW_VERSION_CHECK": "true",
    }
    return lambda *words: run(script("heroku"), *words, env=environment)


PLACES = {
    "repository": ([], {"owner": "o", "repository": "r"}),
    "environment": (["--env", "production"], {"owner": "o", "repository": "r", "environment": "production"}),
    "organization": (["--org", "o", "--visibility", "all"], {"organization": "o", "visibility": "all"}),
}


@pytest.mark.skipif(not shutil.which("gh"), reason="gh is not installed: apt-get install gh")
def test_github(fake, judged, tmp_path):
    for place, (options, where) in PLACES.items():
        theirs, ours = fake("github"), fake("github")
        gh = gh_at(theirs, tmp_path / f"theirs-{place}")
        for name, value in PAIR.items():
            gh("secret", "set", name, "--body", value, *options)
        deliver({"kind": "github_actions", "place": {"of": place, **where}, "api": f"{ours.url}/api/v3"}, "github_pat_fake")
        opened = [[opened_of(one) for one in side.heard("PUT")] for side in (theirs, ours)]
        assert opened[1] == opened[0] and [body["value"] for *_, body in opened[1]] == list(PAIR.values())
        listed = gh_at(ours, tmp_path / f"ours-{place}")("secret", "list", *options[:2])
        assert ID_NAME in listed and SECRET_NAME in listed
    version = run("gh", "--version").split()[2]
    judged("GitHub Actions", "gh", version, "sets secrets of a repository, an environment and an organisation, and lists ours; our requests have the same paths and JSON, and libsodium opens both boxes to the same value")


@pytest.mark.skipif(not shutil.which("gh"), reason="gh is not installed: apt-get install gh")
def test_github_workflow(fake, judged, tmp_path):
    theirs, ours = fake("github"), fake("github")
    place = {"of": "repository", "owner": "o", "repository": "r"}
    settings = {"kind": "github_actions", "place": place, "api": f"{ours.url}/api/v3", "workflow": {"file": "paddock.yml", "ref": "main"}}
    told = deliver(settings, "github_pat_fake")
    assert "run #1 of paddock.yml succeeded" in told["in_use"]
    gh_at(theirs, tmp_path / "theirs")("workflow", "run", "paddock.yml", "--ref", "main", "-f", "delivery=12345678-9abc-4def-8123-456789abcdef")
    [their], [our] = theirs.heard("POST"), ours.heard("POST")
    # gh looks the workflow's number up and names that; GitHub takes the file's name as well.
    assert (their["path"], our["path"]) == tuple(f"/api/v3/repos/o/r/actions/workflows/{name}/dispatches" for name in ("1", "paddock.yml"))
    assert said(our) == said(their)
    judged("GitHub Actions", "gh (workflow)", run("gh", "--version").split()[2], "starts the workflow; our request has the same JSON")


def opened_of(heard):
    """A write of a secret with its box opened: the fake's private key is 32 sevens."""
    method, path, query, body = request(heard)
    box = base64.b64decode(body.pop("encrypted_value"))
    return method, path, query, {**body, "value": SealedBox(PrivateKey(bytes([7] * 32))).decrypt(box).decode()}


def gh_at(fake, folder):
    """gh for this fake. It takes no other scheme than https."""
    folder.mkdir()
    tls = Tls(fake, folder)
    host = f"localhost:{tls.port}"
    environment = {
        **os.environ,
        "HOME": str(folder),
        "SSL_CERT_FILE": str(tls.certificate),
        "GH_HOST": host,
        "GH_ENTERPRISE_TOKEN": "github_pat_fake",
        "GH_NO_UPDATE_NOTIFIER": "1",
    }
    return lambda *words: run("gh", *words, *([] if "--org" in words else ["-R", f"{host}/o/r"]), env=environment)
