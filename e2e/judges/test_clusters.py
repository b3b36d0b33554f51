"""Kubernetes and Google's Secret Manager: kubectl and gcloud succeed against the fakes, and send what we send."""

import base64
import json
import os
import shutil

import pytest

from conftest import HERE, ID_NAME, KEY_ID, SECRET_KEY, SECRET_NAME, Tls, deliver, request, run, said

PAIR = {ID_NAME: KEY_ID, SECRET_NAME: SECRET_KEY}
RESTARTED, DELIVERED = "kubectl.kubernetes.io/restartedAt", "paddock/delivery"

pytestmark = pytest.mark.large


def kubectl_at(fake, folder):
    """kubectl for this fake, with the service account's token, which it sends over TLS alone."""
    folder.mkdir()
    tls, config = Tls(fake, folder), folder / "config"
    config.write_text(json.dumps({
        "apiVersion": "v1", "kind": "Config", "current-context": "fake",
        "clusters": [{"name": "fake", "cluster": {"server": f"https://localhost:{tls.port}", "certificate-authority": str(tls.certificate)}}],
        "users": [{"name": "fake", "user": {"token": "sa.fake.token"}}],
        "contexts": [{"name": "fake", "context": {"cluster": "fake", "user": "fake", "namespace": "bots"}}],
    }))
    environment = {**os.environ, "HOME": str(folder), "KUBECONFIG": str(config)}
    return lambda *words: run("kubectl", *words, env=environment)


def patches(fake, resource):
    return [one for one in fake.heard("PATCH") if f"/{resource}/" in one["path"]]


@pytest.mark.skipif(not shutil.which("kubectl"), reason="kubectl is not installed")
def test_kubectl(fake, judged, tmp_path):
    theirs, ours = fake("kubernetes"), fake("kubernetes")
    kubectl, at_ours = kubectl_at(theirs, tmp_path / "theirs"), kubectl_at(ours, tmp_path / "ours")
    settings = {"kind": "kubernetes", "server": ours.url, "namespace": "bots", "secret": "alpaca", "restart": ["deployment/bot"]}
    told = deliver(settings, "sa.fake.token")
    assert "2 of 2 pods" in told["in_use"]
    # The secret: the same merge patch, with the version that was looked at.
    body = {"metadata": {"resourceVersion": "100"}, "stringData": PAIR}
    kubectl("patch", "secret", "alpaca", "--type", "merge", "--field-manager", "paddock", "-p", json.dumps(body))
    [their], [our] = patches(theirs, "secrets"), patches(ours, "secrets")
    assert request(our, "content-type") == request(their, "content-type")
    assert said(our) == body
    # The restart: the annotation of kubectl's own, and beside it which delivery it was for.
    kubectl("rollout", "restart", "deployment/bot", "--field-manager", "paddock")
    [their], [our] = patches(theirs, "deployments"), patches(ours, "deployments")
    (*head, their_body), (*our_head, our_body) = request(their)[:4], request(our)[:4]
    annotations = our_body["spec"]["template"]["metadata"]["annotations"]
    restarted, delivered = annotations.pop(RESTARTED), annotations.pop(DELIVERED)
    assert delivered == "12345678-9abc-4def-8123-456789abcdef" and restarted.endswith("Z")
    assert set(their_body["spec"]["template"]["metadata"].pop("annotations")) == {RESTARTED} and annotations == {}
    del our_body["spec"]["template"]["metadata"]["annotations"]
    assert (our_head, our_body) == (head, their_body)
    # kubectl sees the rollout of ours through, and reads the values.
    assert "successfully rolled out" in at_ours("rollout", "status", "deployment/bot", "--timeout=30s")
    read = json.loads(at_ours("get", "secret", "alpaca", "-o", "json"))["data"]
    assert {name: base64.b64decode(value).decode() for name, value in read.items()} == {"OTHER": "untouched", **PAIR}
    version = json.loads(kubectl("version", "--client", "-o", "json"))["clientVersion"]["gitVersion"]
    judged("Kubernetes", "kubectl", version.removeprefix("v"), "patches the secret, restarts, sees our rollout through, reads ours; our requests have the same paths and JSON, with the delivery's annotation beside")


@pytest.mark.skipif(not shutil.which("gcloud"), reason="gcloud is not installed")
def test_gcloud(fake, judged, tmp_path):
    theirs, ours = fake("google"), fake("google")
    at_theirs, at_ours = gcloud_at(theirs, tmp_path), gcloud_at(ours, tmp_path)
    settings = {"kind": "google", "project": "project-1", "secret": "bots", "endpoint": ours.url, "disable_previous": True}
    deliver(settings, key_file(ours.url))
    [added] = [one for one in ours.heard("POST") if one["path"].endswith(":addVersion")]
    text = base64.b64decode(said(added)["payload"]["data"]).decode()
    assert json.loads(text) == {"OTHER": "untouched", "number": 1.10, **PAIR} and "1.10" in text
    at_theirs("add", "bots", "--data-file=-", input=text)
    at_theirs("disable", "1", "--secret=bots", '--etag="1-true"')
    changes = [[told(one) for one in side.heard("POST") if one["path"].endswith((":addVersion", ":disable"))] for side in (theirs, ours)]
    assert changes[1] == changes[0] and len(changes[1]) == 2
    assert at_ours("access", "latest", "--secret=bots") == text
    [their] = [told(one) for one in ours.heard("GET") if "alt" in one["query"]]
    assert their in [told(one) for one in ours.heard("GET") if "alt" not in one["query"]]
    version = json.loads(run("gcloud", "version", "--format=json", env={**os.environ, "CLOUDSDK_CONFIG": str(tmp_path)}))["Google Cloud SDK"]
    judged("Google Secret Manager", "gcloud", version, "adds a version with its checksum, disables the one before, reads ours; our requests have the same paths and JSON")


def key_file(url):
    """The key of the service account that the fake knows."""
    key = (HERE.parent / "fakes" / "src" / "google_test_key.pem").read_text()
    return json.dumps({
        "type": "service_account", "project_id": "project-1", "private_key_id": "key-1", "private_key": key,
        "client_email": "paddock@project-1.iam.gserviceaccount.com", "client_id": "1", "token_uri": f"{url}/token",
    })


def told(heard):
    """A request without the words with which Google's clients ask for JSON."""
    method, path, query, body, kind = request(heard, "content-type")
    return method, path, {name: value for name, value in query.items() if name != "alt"}, body, kind


def gcloud_at(fake, home):
    environment = {
        **os.environ,
        "HOME": str(home),
        "CLOUDSDK_CONFIG": str(home / "gcloud"),
        "CLOUDSDK_API_ENDPOINT_OVERRIDES_SECRETMANAGER": f"{fake.url}/",
        "CLOUDSDK_AUTH_DISABLE_CREDENTIALS": "true",
        "CLOUDSDK_CORE_DISABLE_PROMPTS": "1",
        "CLOUDSDK_CORE_DISABLE_USAGE_REPORTING": "true",
    }
    return lambda *words, **options: run("gcloud", "secrets", "versions", *words, "--project=project-1", env=environment, **options)
