"""How a program gets a token of an account from the paper broker: the person's part is played here."""

import re
from urllib.parse import parse_qs, urlsplit

import requests

from broker import Account, Broker

CALLBACK = "http://127.0.0.1:8765/callback"


def token(broker: Broker, account: Account, scope: str = "account:write trading data") -> str:
    """Registers a program, consents as the person whose account it is, and exchanges the code for a token."""
    program = broker.dashboard("POST", "/oauth/clients", {"name": "Tests", "redirect_uris": [CALLBACK]})
    asked = {
        "response_type": "code",
        "client_id": program["client_id"],
        "redirect_uri": CALLBACK,
        "scope": scope,
        "state": "any",
    }
    page = requests.get(f"{account.url}/oauth/authorize", params=asked, timeout=30)
    shown = re.search(r'name="token" value="([^"]+)"', page.text)
    assert shown, page.text
    choice = {**asked, "token": shown[1], "paper_account": account.number, "decision": "allow"}
    browser = {"Origin": account.url, "Sec-Fetch-Site": "same-origin"}
    sent = requests.post(f"{account.url}/oauth/authorize", data=choice, headers=browser, allow_redirects=False, timeout=30)
    code = parse_qs(urlsplit(sent.headers["Location"]).query)["code"][0]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, **program}
    answer = requests.post(f"{account.url}/oauth/token", data=form, timeout=30)
    answer.raise_for_status()
    return answer.json()["access_token"]
