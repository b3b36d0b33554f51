"""What the built-in broker's sockets say, held against a schema of each kind of message: every field that Alpaca's documentation names,
of its type, and no other. By the plainest client there is, in both forms."""

import json
import threading
import time
from datetime import UTC, datetime

import msgpack
import pytest
import requests
from jsonschema import Draft202012Validator
from websockets.sync.client import connect

from broker import PATIENCE, Broker

TEXT, NUMBER, COUNT, WORDS = {"type": "string"}, {"type": "number"}, {"type": "integer"}, {"type": "array", "items": {"type": "string"}}
TIME = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$"}


def message(optional: dict | None = None, **fields) -> Draft202012Validator:
    """All of these fields and no other."""
    properties = {"T": TEXT, **fields, **(optional or {})}
    return Draft202012Validator(
        {"type": "object", "properties": properties, "required": ["T", *fields], "additionalProperties": False}
    )


BAR = {"S": TEXT, "o": NUMBER, "h": NUMBER, "l": NUMBER, "c": NUMBER, "v": NUMBER, "n": COUNT, "vw": NUMBER, "t": TIME}
LEVELS = {"type": "array", "items": {"type": "object", "properties": {"p": NUMBER, "s": NUMBER}, "required": ["p", "s"], "additionalProperties": False}}
CONTROL = {
    "success": message(msg={"enum": ["connected", "authenticated"]}),
    "error": message(code=COUNT, msg=TEXT),
}
STOCKS = {
    "t": message(S=TEXT, i=COUNT, x=TEXT, p=NUMBER, s=COUNT, c=WORDS, t=TIME, z=TEXT),
    "q": message(S=TEXT, ax=TEXT, ap=NUMBER, **{"as": COUNT}, bx=TEXT, bp=NUMBER, bs=COUNT, c=WORDS, t=TIME, z=TEXT),
    **{kind: message(**BAR) for kind in "bdu"},
    "s": message(S=TEXT, sc=TEXT, sm=TEXT, rc=TEXT, rm=TEXT, t=TIME, z=TEXT),
    "l": message(S=TEXT, u=NUMBER, d=NUMBER, i=TEXT, t=TIME, z=TEXT),
    "c": message(S=TEXT, x=TEXT, oi=COUNT, op=NUMBER, os=COUNT, oc=WORDS, ci=COUNT, cp=NUMBER, cs=COUNT, cc=WORDS, t=TIME, z=TEXT),
    "x": message(S=TEXT, i=COUNT, x=TEXT, p=NUMBER, s=COUNT, a=TEXT, t=TIME, z=TEXT),
}
CRYPTO = {
    "t": message(S=TEXT, p=NUMBER, s=NUMBER, t=TIME, i=COUNT, tks={"enum": ["B", "S", "-"]}),
    "q": message(S=TEXT, bp=NUMBER, bs=NUMBER, ap=NUMBER, **{"as": NUMBER}, t=TIME),
    "o": message({"r": {"type": "boolean"}}, S=TEXT, t=TIME, b=LEVELS, a=LEVELS),
    **{kind: message(**BAR) for kind in "bdu"},
}
NEWS = {
    "n": message(
        id=COUNT, headline=TEXT, summary=TEXT, author=TEXT, created_at=TIME, updated_at=TIME, url={"type": ["string", "null"]}, content=TEXT, symbols=WORDS, source=TEXT
    )
}
STOCK_LISTS = ["trades", "quotes", "bars", "updatedBars", "dailyBars", "statuses", "lulds", "corrections", "cancelErrors"]
CRYPTO_LISTS = ["trades", "quotes", "orderbooks", "bars", "updatedBars", "dailyBars"]

FEEDS = {
    "/v2/iex": (STOCKS, STOCK_LISTS, {"trades": ["*"], "quotes": ["*"], "bars": ["*"], "dailyBars": ["*"], "updatedBars": ["*"], "statuses": ["*"], "lulds": ["*"]}, "tqbd"),
    "/v2/sip": (STOCKS, STOCK_LISTS, {"trades": ["AAPL"], "quotes": ["AAPL"], "bars": ["AAPL"]}, "tqb"),
    "/v2/test": (STOCKS, STOCK_LISTS, {"trades": ["FAKEPACA"], "quotes": ["FAKEPACA"], "bars": ["FAKEPACA"]}, "tqb"),
    "/v1beta3/crypto/us": (CRYPTO, CRYPTO_LISTS, {"trades": ["*"], "quotes": ["*"], "orderbooks": ["BTC/USD"], "bars": ["*"], "dailyBars": ["*"]}, "tqob"),
    "/v1beta1/news": (NEWS, ["news"], {"news": ["*"]}, ""),
}


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    # A minute of its time is a second of ours.
    server = Broker(tmp_path_factory.mktemp("paper"), "--clock", "x60")
    yield server
    assert server.stop() == 0


def as_json(value):
    """MessagePack's instants as JSON has them: to the nanosecond."""
    if isinstance(value, msgpack.Timestamp):
        whole = datetime.fromtimestamp(value.seconds, tz=UTC)
        return f"{whole:%Y-%m-%dT%H:%M:%S}.{value.nanoseconds:09d}Z"
    if isinstance(value, list):
        return [as_json(item) for item in value]
    if isinstance(value, dict):
        return {name: as_json(item) for name, item in value.items()}
    return value


@pytest.mark.parametrize("form", ["json", "msgpack"])
@pytest.mark.parametrize("path", FEEDS)
def test_market_data(broker, path, form):
    kinds, lists, subscription, expected = FEEDS[path]
    schemas = {
        **CONTROL,
        "subscription": message(**{name: WORDS for name in lists}),
        **kinds,
    }
    account = broker.account()
    url = account["url"].replace("http", "ws", 1) + path
    headers = {"Content-Type": "application/msgpack"} if form == "msgpack" else {}
    write, read = (msgpack.packb, lambda frame: as_json(msgpack.unpackb(frame))) if form == "msgpack" else (json.dumps, json.loads)
    seen, wrong = {}, []

    with connect(url, additional_headers=headers, max_size=None) as socket:

        def hear() -> str:
            frame = socket.recv(timeout=PATIENCE)
            assert isinstance(frame, bytes if form == "msgpack" else str)
            messages = read(frame)
            assert isinstance(messages, list) and messages
            for each in messages:
                seen[each["T"]] = seen.get(each["T"], 0) + 1
                if each["T"] not in schemas:
                    wrong.append(f"no such kind of message: {each}")
                elif seen[each["T"]] < 500:
                    wrong.extend(f"{error.message} in {each}" for error in schemas[each["T"]].iter_errors(each))
            return messages[-1]["T"]

        assert hear() == "success"
        socket.send(write({"action": "sing"}))
        assert hear() == "error"
        socket.send(write({"action": "auth", "key": account["key"], "secret": account["secret"]}))
        assert hear() == "success"
        socket.send(write({"action": "subscribe", **subscription}))
        deadline = time.monotonic() + PATIENCE
        while not seen.keys() >= {"subscription", *expected}:
            assert time.monotonic() < deadline, seen
            hear()
    assert not wrong, "\n".join(wrong[:5])


ORDER = {
    "asset_class", "asset_id", "canceled_at", "client_order_id", "created_at", "expired_at", "expires_at", "extended_hours", "failed_at",
    "filled_at", "filled_avg_price", "filled_qty", "hwm", "id", "legs", "limit_price", "notional", "order_class", "order_type",
    "position_intent", "qty", "replaced_at", "replaced_by", "replaces", "side", "source", "status", "stop_price", "submitted_at", "subtag",
    "symbol", "time_in_force", "trail_percent", "trail_price", "type", "updated_at",
}  # fmt: skip
UPDATE = {
    "type": "object",
    "properties": {
        "event": {"enum": ["pending_new", "new", "accepted", "fill", "partial_fill", "canceled", "pending_cancel"]},
        "execution_id": TEXT,
        "event_id": TEXT,
        "timestamp": TIME,
        "at": TIME,
        "order": {"type": "object", "properties": {name: {} for name in ORDER}, "required": sorted(ORDER - {"source", "subtag", "expires_at", "position_intent", "expired_at", "failed_at", "replaced_at", "replaced_by", "replaces"}), "additionalProperties": False},
        "price": TEXT,
        "qty": TEXT,
        "position_qty": TEXT,
    },
    "required": ["event", "execution_id", "order", "timestamp"],
    "additionalProperties": False,
    "if": {"properties": {"event": {"enum": ["fill", "partial_fill"]}}},
    "then": {"required": ["price", "qty", "position_qty"]},
    "else": {"not": {"anyOf": [{"required": ["price"]}, {"required": ["position_qty"]}]}},
}


def stream(name: str, data: dict) -> dict:
    return {
        "type": "object",
        "properties": {"stream": {"const": name}, "data": data},
        "required": ["stream", "data"],
        "additionalProperties": False,
    }


def exactly(**fields) -> dict:
    return {"type": "object", "properties": fields, "required": list(fields), "additionalProperties": False}


TRADING = {
    "authorization": stream("authorization", exactly(status={"enum": ["authorized", "unauthorized"]}, action=TEXT)),
    "listening": stream("listening", exactly(streams=WORDS)),
    "trade_updates": stream("trade_updates", UPDATE),
}


@pytest.mark.parametrize("environment", ["paper", "live"])
def test_trade_updates(broker, environment):
    account = broker.account(environment)
    pair = {"APCA-API-KEY-ID": account["key"], "APCA-API-SECRET-KEY": account["secret"]}
    orders = account["url"] + "/v2/orders"
    events = set()
    with connect(account["url"].replace("http", "ws", 1) + "/stream") as socket:

        def hear() -> dict:
            frame = socket.recv(timeout=PATIENCE)
            # Paper accounts get their JSON in binary frames, live ones in text.
            assert isinstance(frame, str if environment == "live" else bytes) or not events
            said = json.loads(frame)
            Draft202012Validator(TRADING[said["stream"]]).validate(said)
            return said

        socket.send(json.dumps({"action": "listen", "data": {"streams": ["trade_updates"]}}))
        assert hear()["data"]["status"] == "unauthorized"
        socket.send(json.dumps({"action": "auth", "key": account["key"], "secret": account["secret"]}))
        assert hear()["data"]["status"] == "authorized"
        socket.send(json.dumps({"action": "listen", "data": {"streams": ["trade_updates"]}}))
        assert hear()["data"]["streams"] == ["trade_updates"]

        def trade() -> None:
            limit = {"symbol": "AAPL", "qty": "1", "side": "buy", "type": "limit", "limit_price": "1", "time_in_force": "gtc"}
            resting = requests.post(orders, json=limit, headers=pair, timeout=PATIENCE).json()
            requests.delete(f"{orders}/{resting['id']}", headers=pair, timeout=PATIENCE)
            market = {"symbol": "AAPL", "qty": "1", "side": "buy", "type": "market", "time_in_force": "day"}
            requests.post(orders, json=market, headers=pair, timeout=PATIENCE)

        threading.Thread(target=trade, daemon=True).start()
        while not events >= {"new", "canceled", "fill"}:
            events.add(hear()["data"]["event"])
