"""Secret stores: their own clients succeed against the fakes, and send what we send."""

import importlib.metadata
import json
import os
import shutil

import boto3
import hvac
import pytest
from infisical_sdk import InfisicalSDKClient

from conftest import ID_NAME, KEY_ID, SECRET_KEY, SECRET_NAME, Tls, deliver, run

PAIR = {ID_NAME: KEY_ID, SECRET_NAME: SECRET_KEY}
OTHERS = {"OTHER": "untouched", "number": 1}
AWS_SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"


def test_hvac(fake, judged):
    theirs, ours = fake("vault"), fake("vault")
    client = hvac.Client(url=theirs.url, token="hvs.fake")
    client.secrets.kv.v2.create_or_update_secret("apps/bot", {**OTHERS, **PAIR}, cas=1, mount_point="secret")
    with pytest.raises(hvac.exceptions.InvalidRequest):
        client.secrets.kv.v2.create_or_update_secret("apps/bot", PAIR, cas=1, mount_point="secret")
    deliver({"kind": "vault", "address": ours.url, "path": "apps/bot"}, "hvs.fake")
    writes = [[one for one in fake.heard("POST") if "/data/" in one["path"]] for fake in (theirs, ours)]
    their, our = writes[0][0], writes[1][0]
    assert (our["path"], json.loads(our["body"])) == (their["path"], json.loads(their["body"]))
    read = hvac.Client(url=ours.url, token="hvs.fake").secrets.kv.v2.read_secret_version("apps/bot", mount_point="secret", raise_on_deleted_version=True)
    assert read["data"]["data"][ID_NAME] == KEY_ID
    judged("Vault, OpenBao", "hvac", importlib.metadata.version("hvac"), "writes with check-and-set, is refused when it is behind, reads ours; our request has the same content")


def test_boto3(fake, judged):
    theirs, ours = fake("aws"), fake("aws")
    login = {"region_name": "us-east-1", "aws_access_key_id": "AKIDEXAMPLE", "aws_secret_access_key": AWS_SECRET}
    client = boto3.client("secretsmanager", endpoint_url=theirs.url, **login)
    token = "12345678-9abc-4def-8123-456789abcdef"
    client.put_secret_value(SecretId="bots/alpaca", ClientRequestToken=token, SecretString=json.dumps(PAIR), VersionStages=["AWSPENDING"])
    settings = {"kind": "aws", "region": "us-east-1", "secret_id": "bots/alpaca", "access_key_id": "AKIDEXAMPLE", "endpoint": ours.url}
    deliver(settings, AWS_SECRET)
    put = [[one for one in fake.heard("POST") if one["headers"]["x-amz-target"].endswith("PutSecretValue")] for fake in (theirs, ours)]
    their, our = put[0][0], put[1][0]
    assert our["headers"]["content-type"] == their["headers"]["content-type"]
    assert set(json.loads(our["body"])) == set(json.loads(their["body"]))
    signed = [one["headers"]["authorization"].split("Signature=")[0].split("/")[-1].split(",")[0] for one in (our, their)]
    assert signed[0] == signed[1] == "aws4_request"
    read = boto3.client("secretsmanager", endpoint_url=ours.url, **login).get_secret_value(SecretId="bots/alpaca", VersionStage="AWSCURRENT")
    assert json.loads(read["SecretString"])[SECRET_NAME] == SECRET_KEY
    judged("AWS Secrets Manager", "boto3", importlib.metadata.version("boto3"), "its signature is taken; puts a pending version and reads ours; our request has the same fields")


def test_infisicalsdk(fake, judged):
    service = fake("infisical")
    settings = {"kind": "infisical", "address": service.url, "project_id": "project-1", "environment": "prod", "path": "/bots", "client_id": "client-1"}
    deliver(settings, "client-secret-1")
    client = InfisicalSDKClient(host=service.url)
    client.auth.universal_auth.login(client_id="client-1", client_secret="client-secret-1")
    where = {"project_id": "project-1", "environment_slug": "prod", "secret_path": "/bots"}
    client.secrets.update_secret_by_name(current_secret_name=ID_NAME, secret_value="PKTHEIRS", **where)
    read = client.secrets.get_secret_by_name(secret_name=SECRET_NAME, **where)
    assert read.secretValue == SECRET_KEY
    judged("Infisical", "infisicalsdk", importlib.metadata.version("infisicalsdk"), "logs in, updates a secret, reads ours")


@pytest.mark.skipif(not shutil.which("kubectl"), reason="kubectl is not installed")
def test_kubectl(fake, judged, tmp_path):
    theirs, ours = fake("kubernetes"), fake("kubernetes")
    tls, config = Tls(theirs, tmp_path), tmp_path / "config"
    config.write_text(json.dumps({
        "apiVersion": "v1", "kind": "Config", "current-context": "fake",
        "clusters": [{"name": "fake", "cluster": {"server": f"https://localhost:{tls.port}", "certificate-authority": str(tls.certificate)}}],
        "users": [{"name": "fake", "user": {"token": "sa.fake.token"}}],
        "contexts": [{"name": "fake", "context": {"cluster": "fake", "user": "fake", "namespace": "bots"}}],
    }))
    environment = {**os.environ, "HOME": str(tmp_path), "KUBECONFIG": str(config)}
    patch = json.dumps({"stringData": PAIR}, separators=(",", ":"))
    run("kubectl", "patch", "secret", "alpaca", "--type", "merge", "-p", patch, env=environment)
    deliver({"kind": "kubernetes", "server": ours.url, "namespace": "bots", "secret": "alpaca", "restart": ["deployment/bot"]}, "sa.fake.token")
    patches = [[one for one in fake.heard("PATCH") if one["path"].endswith("/secrets/alpaca")] for fake in (theirs, ours)]
    their, our = patches[0][0], patches[1][0]
    assert (our["path"], our["headers"]["content-type"]) == (their["path"], their["headers"]["content-type"])
    version = json.loads(run("kubectl", "version", "--client", "-o", "json", env=environment))["clientVersion"]["gitVersion"]
    judged("Kubernetes", "kubectl", version.removeprefix("v"), "patches the secret; our request has the same path and type")


@pytest.mark.skipif(not shutil.which("gcloud"), reason="gcloud is not installed")
def test_gcloud(fake, judged, tmp_path):
    service = fake("google")
    environment = {
        **os.environ,
        "HOME": str(tmp_path),
        "CLOUDSDK_CONFIG": str(tmp_path / "gcloud"),
        "CLOUDSDK_API_ENDPOINT_OVERRIDES_SECRETMANAGER": f"{service.url}/",
        "CLOUDSDK_AUTH_DISABLE_CREDENTIALS": "true",
        "CLOUDSDK_CORE_DISABLE_PROMPTS": "1",
        "CLOUDSDK_CORE_DISABLE_USAGE_REPORTING": "true",
    }
    run("gcloud", "secrets", "versions", "add", "bots", "--data-file=-", "--project=project-1", input=json.dumps(PAIR), env=environment)
    version = json.loads(run("gcloud", "version", "--format=json", env=environment))["Google Cloud SDK"]
    judged("Google Secret Manager", "gcloud", version, "adds a version with its checksum")
