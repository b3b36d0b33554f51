"""Vault and Infisical: their own clients succeed against the fakes, and send what we send."""

import importlib.metadata

import hvac
import pytest
from infisical_sdk import InfisicalSDKClient

from conftest import ID_NAME, KEY_ID, SECRET_KEY, SECRET_NAME, deliver, request

PAIR = {ID_NAME: KEY_ID, SECRET_NAME: SECRET_KEY}
OTHERS = {"OTHER": "untouched", "number": 1}


def test_hvac(fake, judged):
    theirs, ours = fake("vault"), fake("vault")
    settings = {"kind": "vault", "address": ours.url, "path": "apps/bot"}
    deliver(settings, "hvs.fake")
    deliver({**settings, "login": {"method": "approle", "role_id": "role-1"}}, "secret-id-1")
    client = hvac.Client(url=theirs.url, token="hvs.fake")
    kv = client.secrets.kv.v2
    client.auth.token.lookup_self()
    client.sys.get_capabilities(paths=["secret/data/apps/bot"])
    kv.create_or_update_secret("apps/bot", {**OTHERS, **PAIR}, cas=1, mount_point="secret")
    with pytest.raises(hvac.exceptions.InvalidRequest):
        kv.create_or_update_secret("apps/bot", PAIR, cas=1, mount_point="secret")
    kv.read_secret_version("apps/bot", mount_point="secret", raise_on_deleted_version=True)
    client.auth.approle.login("role-1", "secret-id-1", use_token=False)
    known = [request(one) for one in theirs.heard()]
    for one in ours.heard():
        assert request(one) in known
    with_token = [one["headers"].get("x-vault-token") for one in ours.heard() if "login" not in one["path"]]
    assert set(with_token) == {"hvs.fake", "hvs.role"}
    [write] = [one for one in ours.heard() if one["method"] == "POST" and "/data/" in one["path"]]
    [their_write, _] = [one for one in theirs.heard() if one["method"] == "POST" and "/data/" in one["path"]]
    assert request(write, "x-vault-token") == request(their_write, "x-vault-token")
    read = hvac.Client(url=ours.url, token="hvs.fake").secrets.kv.v2.read_secret_version("apps/bot", mount_point="secret", raise_on_deleted_version=True)
    assert read["data"]["data"] == {**OTHERS, **PAIR}
    judged("Vault, OpenBao", "hvac", importlib.metadata.version("hvac"), "logs in by AppRole, writes with check-and-set, is refused when it is behind, reads ours; each of our requests has the same path and JSON")


WHERE = {"project_id": "project-1", "environment_slug": "prod", "secret_path": "/bots"}


def infisical(url):
    client = InfisicalSDKClient(host=url)
    client.auth.universal_auth.login(client_id="client-1", client_secret="client-secret-1")
    return client.secrets


def deliver_to_infisical(url, **more):
    settings = {"kind": "infisical", "address": url, "project_id": "project-1", "environment": "prod", "path": "/bots", "client_id": "client-1"}
    return deliver(settings, "client-secret-1", **more)


def test_infisicalsdk(fake, judged):
    service = fake("infisical")
    deliver_to_infisical(service.url)
    secrets = infisical(service.url)
    for name, value in PAIR.items():
        assert secrets.get_secret_by_name(secret_name=name, **WHERE).secretValue == value
    # What somebody else wrote is seen, and the pair is put back in one request.
    secrets.update_secret_by_name(current_secret_name=ID_NAME, secret_value="PKTHEIRS", **WHERE)
    deliver_to_infisical(service.url)
    assert secrets.get_secret_by_name(secret_name=ID_NAME, **WHERE).secretValue == KEY_ID
    assert [one["path"] for one in service.heard("PATCH")] == ["/api/v4/secrets/batch", f"/api/v3/secrets/raw/{ID_NAME}", "/api/v4/secrets/batch"]
    judged("Infisical", "infisicalsdk", importlib.metadata.version("infisicalsdk"), "reads and changes what we wrote by version 4, which it does not speak itself")


def test_infisicalsdk_on_an_older_server(fake, judged):
    theirs, ours = fake("infisical-3"), fake("infisical-3")
    new = {ID_NAME: "PKZZZZBBBBCCCCDDDDEEEE2345", SECRET_NAME: SECRET_KEY[::-1]}
    deliver_to_infisical(ours.url)
    deliver_to_infisical(ours.url, key_id=new[ID_NAME], secret_key=new[SECRET_NAME])
    secrets = infisical(theirs.url)
    stored = {**WHERE, "expand_secret_references": False, "include_imports": False}
    for name in (SECRET_NAME, ID_NAME):
        secrets.create_secret_by_name(secret_name=name, secret_value=PAIR[name], **WHERE)
    for name in (SECRET_NAME, ID_NAME):
        secrets.update_secret_by_name(current_secret_name=name, secret_value=new[name], **WHERE)
        secrets.get_secret_by_name(secret_name=name, **stored)
    changes = [[told(one) for one in side.heard() if one["method"] != "GET" and "/secrets/" in one["path"]] for side in (theirs, ours)]
    assert changes[1] == changes[0] and len(changes[1]) == 4
    # Whatever else we ask by version 3, the login included, it asks as well.
    known = [told(one) for one in theirs.heard()]
    asked = [told(one) for one in ours.heard() if "/v4/" not in one["path"]]
    assert all(one in known for one in asked)
    for name, value in new.items():
        assert infisical(ours.url).get_secret_by_name(secret_name=name, **stored).secretValue == value
    judged("Infisical, version 3", "infisicalsdk", importlib.metadata.version("infisicalsdk"), "logs in, creates, updates and reads; our requests have the same paths and JSON, without the options that it sends empty")


def told(heard):
    """A request without the options that the SDK sends although nobody has set them: null, or not to be done."""
    method, path, query, body, login = request(heard, "authorization")
    if isinstance(body, dict):
        body = {name: value for name, value in body.items() if value not in (None, False)}
    return method, path, query, body, login
