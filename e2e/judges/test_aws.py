"""AWS Secrets Manager: boto3 takes the steps of Amazon's own rotation beside ours, signs what we sign, and reads ours at moto's server."""

import http.server
import importlib.metadata
import json
import threading
import urllib.error
import urllib.request

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from moto.server import ThreadedMotoServer

from conftest import ID_NAME, KEY_ID, SECRET_KEY, SECRET_NAME, deliver, request

PAIR = {ID_NAME: KEY_ID, SECRET_NAME: SECRET_KEY}
ACCESS_KEY, AWS_SECRET, REGION = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "us-east-1"
NAME = "bots/alpaca"


def client_of(url):
    return boto3.client("secretsmanager", endpoint_url=url, region_name=REGION, aws_access_key_id=ACCESS_KEY, aws_secret_access_key=AWS_SECRET)


def deliver_to(url, **more):
    return deliver({"kind": "aws", "region": REGION, "secret_id": NAME, "access_key_id": ACCESS_KEY, "endpoint": url}, AWS_SECRET, **more)


def version_of(package):
    return importlib.metadata.version(package)


def test_boto3(fake, judged):
    theirs, ours = fake("aws"), fake("aws")
    deliver_to(ours.url)
    [put] = [json.loads(one["body"]) for one in ours.heard("POST") if one["headers"]["x-amz-target"].endswith("PutSecretValue")]
    assert json.loads(put["SecretString"]) == {"OTHER": "untouched", "number": 1.10, **PAIR} and "1.10" in put["SecretString"]
    rotate(client_of(theirs.url), put["ClientRequestToken"], put["SecretString"])
    # Each request of theirs is one of ours, and each of ours one of theirs; what changes something comes in the same order.
    sent = [[request(one, "content-type", "x-amz-target") for one in side.heard()] for side in (theirs, ours)]
    changes = [[one for one in side if one[-1].endswith(("PutSecretValue", "UpdateSecretVersionStage"))] for side in sent]
    assert changes[1] == changes[0] and len(changes[1]) == 2
    assert all(one in sent[0] for one in sent[1]) and all(one in sent[1] for one in sent[0])
    for one in ours.heard():
        assert one["headers"]["authorization"] == signed_by_botocore(one)
    read = client_of(ours.url).get_secret_value(SecretId=NAME, VersionStage="AWSCURRENT")
    assert json.loads(read["SecretString"])[SECRET_NAME] == SECRET_KEY
    judged("AWS Secrets Manager", "boto3", version_of("boto3"), "takes the four steps and reads ours; each of our requests has the same target and JSON, and botocore's signature")


def rotate(client, token, text):
    """The steps createSecret, testSecret and finishSecret of Amazon's template for rotation functions."""
    client.describe_secret(SecretId=NAME)
    current = client.get_secret_value(SecretId=NAME, VersionStage="AWSCURRENT")["VersionId"]
    client.put_secret_value(SecretId=NAME, ClientRequestToken=token, SecretString=text, VersionStages=["AWSPENDING"])
    client.get_secret_value(SecretId=NAME, VersionId=token)
    client.update_secret_version_stage(SecretId=NAME, VersionStage="AWSCURRENT", MoveToVersionId=token, RemoveFromVersionId=current)
    client.get_secret_value(SecretId=NAME, VersionStage="AWSCURRENT")


def signed_by_botocore(heard):
    """The header that botocore's own signer gives a request of ours, at the time of ours."""
    names = ("content-type", "x-amz-date", "x-amz-target")
    headers = {"host": heard["headers"]["host"], **{name: heard["headers"][name] for name in names}}
    copy = AWSRequest(heard["method"], f"http://{headers['host']}{heard['path']}", headers, heard["body"].encode())
    copy.context["timestamp"] = headers["x-amz-date"]
    signer = SigV4Auth(Credentials(ACCESS_KEY, AWS_SECRET), "secretsmanager", REGION)
    signature = signer.signature(signer.string_to_sign(copy, signer.canonical_request(copy)), copy)
    listed = signer.signed_headers(signer.headers_to_sign(copy))
    return f"AWS4-HMAC-SHA256 Credential={signer.scope(copy)}, SignedHeaders={listed}, Signature={signature}"


@pytest.fixture(name="moto")
def moto_fixture():
    """The address of a server of moto's, with an account of its own for each test."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    urllib.request.urlopen(urllib.request.Request(f"{url}/moto-api/reset", method="POST"))
    yield url
    server.stop()


class Between(http.server.ThreadingHTTPServer):
    """Passes requests on to a server, and calls `before` with each target first."""

    def __init__(self, behind, before):
        super().__init__(("127.0.0.1", 0), Passing)
        self.behind, self.before = behind, before
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Passing(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.before(self.headers["x-amz-target"].split(".")[1])
        call = urllib.request.Request(self.server.behind + self.path, body, dict(self.headers), method="POST")
        try:
            answer = urllib.request.urlopen(call)
        except urllib.error.HTTPError as refused:
            answer = refused
        text = answer.read()
        self.send_response(answer.status)
        self.send_header("content-type", answer.headers["content-type"])
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


def stages(client):
    """What boto3 reads under each stage; `None` where no version has it."""
    def read(stage):
        try:
            return client.get_secret_value(SecretId=NAME, VersionStage=stage)["SecretString"]
        except client.exceptions.ResourceNotFoundException:
            return None

    return {stage: read(stage) for stage in ("AWSPENDING", "AWSCURRENT", "AWSPREVIOUS")}


def test_moto(moto, judged):
    client = client_of(moto)
    first = '{"OTHER":"untouched","number":1.10}'
    client.create_secret(Name=NAME, SecretString=first)
    seen = []
    between = Between(moto, lambda target: seen.append((target, stages(client))))
    assert deliver_to(between.url)["outcome"] == "Written"
    # Until the new version was read back, programs read the old one.
    puts = [place for place, (target, _) in enumerate(seen) if target == "PutSecretValue"]
    [moved] = [at for target, at in seen if target == "UpdateSecretVersionStage"]
    assert all(at == {"AWSPENDING": None, "AWSCURRENT": first, "AWSPREVIOUS": None} for _, at in seen[: puts[0] + 1])
    second = moved["AWSPENDING"]
    assert moved == {"AWSPENDING": second, "AWSCURRENT": first, "AWSPREVIOUS": None}
    assert json.loads(second) == {"OTHER": "untouched", "number": 1.10, **PAIR} and "1.10" in second
    assert stages(client) == {"AWSPENDING": second, "AWSCURRENT": second, "AWSPREVIOUS": first}
    # The same delivery again writes nothing; another pair pushes the first one back by one.
    assert deliver_to(between.url)["outcome"] == "AlreadyThere"
    assert len(client.describe_secret(SecretId=NAME)["VersionIdsToStages"]) == 2
    other = {"key_id": "PKZZZZBBBBCCCCDDDDEEEE2345", "secret_key": SECRET_KEY[::-1]}
    assert deliver_to(between.url, **other)["outcome"] == "Written"
    after = stages(client)
    assert after["AWSPREVIOUS"] == second and json.loads(after["AWSCURRENT"])[ID_NAME] == other["key_id"]
    between.shutdown()
    judged("AWS Secrets Manager", "moto", version_of("moto"), "takes our versions; boto3 reads AWSPENDING before the move, AWSCURRENT and AWSPREVIOUS after it")
