"""Webhooks and Slack: libraries that others verify and send with."""

import importlib.metadata
import json
import urllib.request

import pytest
import standardwebhooks

from conftest import ID_NAME, KEY_ID, deliver, node, npm_version

# The fake's signing secret.
SECRET = "whsec_BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc="


def delivered(fake):
    receiver = fake("webhook")
    deliver({"kind": "webhook", "url": f"{receiver.url}/in", "send_values": True}, SECRET)
    return receiver, receiver.heard("POST")


def test_webhook_in_python(fake, judged):
    receiver, messages = delivered(fake)
    library = standardwebhooks.Webhook(SECRET)
    opened = [library.verify(one["body"], one["headers"]) for one in messages]
    assert [one["type"] for one in opened] == ["consumer.check", "pair.replaced"]
    assert opened[1]["data"]["values"][ID_NAME] == KEY_ID
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        library.verify(messages[1]["body"].replace("paper", "live"), messages[1]["headers"])
    sign_and_send(receiver, library)
    judged("Webhook", "standardwebhooks (Python)", importlib.metadata.version("standardwebhooks"), "verifies our messages; the fake takes what it signs")


def sign_and_send(receiver, library):
    from datetime import datetime, timezone

    now, body = datetime.now(timezone.utc), json.dumps({"type": "theirs"})
    headers = {
        "content-type": "application/json",
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": library.sign("msg_1", now, body),
    }
    request = urllib.request.Request(f"{receiver.url}/in", body.encode(), headers, method="POST")
    assert urllib.request.urlopen(request).status == 204


@pytest.mark.large
def test_webhook_in_node(fake, judged):
    _, messages = delivered(fake)
    code = """
        import {Webhook} from 'standardwebhooks';
        const library = new Webhook(process.env.SECRET);
        for (const one of JSON.parse(process.env.MESSAGES)) library.verify(one.body, one.headers);
    """
    node(code, SECRET=SECRET, MESSAGES=json.dumps(messages))
    judged("Webhook", "standardwebhooks (Node.js)", npm_version("standardwebhooks"), "verifies our messages")


@pytest.mark.large
def test_slack(fake, judged):
    theirs, ours = fake("slack"), fake("slack")
    path = "/services/T0/B0/fake"
    deliver({"kind": "slack", "label": "bots", "host": "127.0.0.1"}, ours.url + path)
    text = json.loads(ours.heard("POST")[-1]["body"])["text"]
    code = "import {IncomingWebhook} from '@slack/webhook'; await new IncomingWebhook(process.env.HOOK).send({text: process.env.TEXT});"
    node(code, HOOK=theirs.url + path, TEXT=text)
    their, our = theirs.heard("POST")[-1], ours.heard("POST")[-1]
    assert (our["path"], our["body"], our["headers"]["content-type"]) == (their["path"], their["body"], their["headers"]["content-type"])
    judged("Slack", "@slack/webhook", npm_version("@slack/webhook"), "posts the notice; our request has the same bytes")
