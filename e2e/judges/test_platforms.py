"""Heroku, GitHub Actions and Cloudflare Workers: their own clients succeed against the fakes, and send what we send."""

import json
import os
import shutil

import pytest

from conftest import ID_NAME, KEY_ID, SECRET_KEY, SECRET_NAME, Tls, deliver, node, npm_version, run, script

ACCOUNT = "023e105f4ecef8ad9ca31a8372d0c353"


def sent(heard, *headers):
    """What makes a request: method, path, body, and these headers."""
    return (heard["method"], heard["path"], heard["body"], *(heard["headers"].get(name) for name in headers))


def test_heroku(fake, judged, tmp_path):
    theirs, ours = fake("heroku"), fake("heroku")
    environment = {
        **os.environ,
        "HOME": str(tmp_path),
        "HEROKU_API_KEY": "HRKU-fake",
        "HEROKU_HOST": theirs.url,
        "HEROKU_API_URL": theirs.url,
        "HEROKU_DISABLE_TELEMETRY": "true",
        "HEROKU_SKIP_NEW_VERSION_CHECK": "true",
    }
    pair = [f"{ID_NAME}={KEY_ID}", f"{SECRET_NAME}={SECRET_KEY}"]
    run(script("heroku"), "config:set", *pair, "-a", "bot", env=environment)
    deliver({"kind": "heroku", "apps": ["bot"], "api": ours.url}, "HRKU-fake")
    [their], [our] = theirs.heard("PATCH"), ours.heard("PATCH")
    assert sent(our, "accept", "authorization") == sent(their, "accept", "authorization")
    shown = run(script("heroku"), "config:get", ID_NAME, "-a", "bot", env={**environment, "HEROKU_HOST": ours.url, "HEROKU_API_URL": ours.url})
    assert shown.strip() == KEY_ID
    judged("Heroku", "heroku", npm_version("heroku"), "sets and gets config vars; our request has the same bytes")


@pytest.mark.skipif(not shutil.which("gh"), reason="gh is not installed: apt-get install gh")
def test_github(fake, judged, tmp_path):
    theirs, ours = fake("github"), fake("github")
    gh = gh_at(Tls(theirs, tmp_path), tmp_path)
    for name, value in ((ID_NAME, KEY_ID), (SECRET_NAME, SECRET_KEY)):
        gh("secret", "set", name, "--body", value)
    gh("secret", "set", ID_NAME, "--body", KEY_ID, "--env", "production")
    place = {"of": "repository", "owner": "o", "repository": "r"}
    deliver({"kind": "github_actions", "place": place, "api": f"{ours.url}/api/v3"}, "github_pat_fake")
    their, our = theirs.heard("PUT"), ours.heard("PUT")
    assert [one["path"] for one in our] == [one["path"] for one in their[:2]]
    for one in our + their[:2]:
        assert set(json.loads(one["body"])) == {"encrypted_value", "key_id"}
    other = tmp_path / "ours"
    other.mkdir()
    listed = gh_at(Tls(ours, other), tmp_path)("secret", "list")
    assert ID_NAME in listed and SECRET_NAME in listed
    version = run("gh", "--version").split()[2]
    judged("GitHub Actions", "gh", version, "sets secrets of a repository and an environment, and lists ours; our requests have the same paths and fields")


def gh_at(tls, home):
    environment = {
        **os.environ,
        "HOME": str(home),
        "SSL_CERT_FILE": str(tls.certificate),
        "GH_HOST": f"localhost:{tls.port}",
        "GH_ENTERPRISE_TOKEN": "github_pat_fake",
        "GH_NO_UPDATE_NOTIFIER": "1",
    }
    return lambda *words: run("gh", *words, "-R", f"localhost:{tls.port}/o/r", env=environment)


def worker(url):
    return {"kind": "cloudflare_workers", "account_id": ACCOUNT, "script": "bot", "api": f"{url}/client/v4"}


def test_cloudflare_sdk(fake, judged):
    theirs, ours = fake("cloudflare"), fake("cloudflare")
    secrets = {name: {"name": name, "text": text, "type": "secret_text"} for name, text in ((ID_NAME, KEY_ID), (SECRET_NAME, SECRET_KEY))}
    code = """
        import Cloudflare from 'cloudflare';
        const client = new Cloudflare({apiToken: 'cf-fake', baseURL: process.env.URL_OF_FAKE + '/client/v4', maxRetries: 0});
        await client.workers.scripts.secrets.bulkUpdate('bot', {account_id: process.env.ACCOUNT, secrets: JSON.parse(process.env.SECRETS)});
    """
    node(code, URL_OF_FAKE=theirs.url, ACCOUNT=ACCOUNT, SECRETS=json.dumps(secrets))
    deliver(worker(ours.url), "cf-fake")
    [their], [our] = theirs.heard("PATCH"), ours.heard("PATCH")
    assert sent(our, "authorization", "content-type") == sent(their, "authorization", "content-type")
    judged("Cloudflare Workers", "cloudflare (Node.js)", npm_version("cloudflare"), "sets both secrets at once; our request has the same bytes")


def test_wrangler(fake, judged, tmp_path):
    service = fake("cloudflare")
    environment = {
        **os.environ,
        "HOME": str(tmp_path),
        "CLOUDFLARE_API_BASE_URL": f"{service.url}/client/v4",
        "CLOUDFLARE_API_TOKEN": "cf-fake",
        "CLOUDFLARE_ACCOUNT_ID": ACCOUNT,
        "WRANGLER_SEND_METRICS": "false",
        "CI": "true",
    }
    run(script("wrangler"), "secret", "put", ID_NAME, "--name", "bot", input=KEY_ID, cwd=tmp_path, env=environment)
    deliver(worker(service.url), "cf-fake")
    listed = run(script("wrangler"), "secret", "list", "--name", "bot", cwd=tmp_path, env=environment)
    names = {one["name"] for one in json.loads(listed[listed.index("["):])}
    assert {ID_NAME, SECRET_NAME, "OTHER"} == names
    judged("Cloudflare Workers", "wrangler", npm_version("wrangler"), "sets a secret and lists ours")
