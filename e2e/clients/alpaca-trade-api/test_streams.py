"""Streams: trade updates at `/stream/`, and market data in MessagePack."""

import time

from alpaca_trade_api import Stream

from broker import Broker
from conftest import Client
from hearing import Heard, Log
from test_trading import RESTING

CHANNELS = {
    "/v2/iex trades": ("trades", "AAPL"),
    "/v2/iex quotes": ("quotes", "AAPL"),
    "/v2/iex bars": ("bars", "*"),
    "/v2/iex updatedBars": ("updated_bars", "*"),
    "/v2/iex dailyBars": ("daily_bars", "SPY"),
    "/v2/iex statuses": ("statuses", "*"),
    "/v2/iex lulds": ("lulds", "*"),
}
SILENT = {"/v2/iex statuses", "/v2/iex lulds"}
CRYPTO = ["trades", "quotes", "bars", "updated_bars", "daily_bars", "orderbooks"]


def stream_of(surface, account):
    """The client's stream; it reaches trade updates and data by one object."""
    return surface.wrap(Stream(account.key_id, account.secret_key, account.url, account.url), False)


def until_listening(api, heard) -> None:
    """Only what happens after `listen` is told, and the client does not say when it listens: orders are placed until one is."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        api.cancel_order(api.submit_order(**RESTING).id)
        if heard.of("updates"):
            heard.wait("updates", lambda update: update.event == "canceled")
            return
    raise AssertionError("the stream never listened")


def test_every_step_of_an_order(broker, surface, running):
    client, heard = Client(surface, broker.account()), Heard()
    stream = stream_of(surface, client.account)
    stream.subscribe_trade_updates(heard.handler("updates"))
    with running(stream):
        assert stream.is_open()
        until_listening(client.api, heard)
        bought = client.api.submit_order("AAPL", 2)
        first = client.api.submit_order(**RESTING)
        second = client.api.replace_order(first.id, limit_price="1.25")
        client.api.cancel_order(second.id)
        for order, event in [
            (bought, "pending_new"),
            (bought, "new"),
            (bought, "fill"),
            (first, "replaced"),
            (second, "canceled"),
        ]:
            update = heard.wait("updates", lambda update: (update.order["id"], update.event) == (order.id, event))
            surface.heard(f"/stream {event}")
            if event == "fill":
                assert (update.qty, update.position_qty) == ("2", "2") and float(update.price) > 0


def test_orders_expire_and_queued_ones_are_accepted(surface, running):
    stepped = Broker("--clock", "step", "--start", "2026-11-20")
    try:
        client, heard = Client(surface, stepped.account()), Heard()
        stream = stream_of(surface, client.account)
        stream.on_trade_update(heard.handler("updates"))
        with running(stream):
            until_listening(client.api, heard)
            order = client.api.submit_order(**{**RESTING, "time_in_force": "day"})
            stepped.step(7 * 3600)
            assert heard.wait("updates", lambda update: update.event == "expired").order["id"] == order.id
            queued = client.api.submit_order("AAPL", 1)
            heard.wait("updates", lambda update: (update.order["id"], update.event) == (queued.id, "accepted"))
        surface.heard("/stream expired")
        surface.heard("/stream accepted")
    finally:
        assert stepped.stop() == 0


def test_orders_are_filled_in_parts(surface, running):
    strict = Broker("--hold-open", "--clock", "x60", "--partial-fills")
    try:
        client, heard = Client(surface, strict.account(cash="10000000")), Heard()
        stream = stream_of(surface, client.account)
        stream.subscribe_trade_updates(heard.handler("updates"))
        with running(stream):
            until_listening(client.api, heard)
            # One order in ten is.
            for _ in range(200):
                client.api.submit_order("AAPL", 10)
                if any(update.event == "partial_fill" for update in heard.of("updates")):
                    break
            part = heard.wait("updates", lambda update: update.event == "partial_fill")
            assert 0 < int(part.qty) < 10
            heard.wait("updates", lambda update: (update.order["id"], update.event) == (part.order["id"], "fill"))
        surface.heard("/stream partial_fill")
    finally:
        assert strict.stop() == 0


def test_a_stream_ends_with_its_pair(broker, surface, running):
    client, heard = Client(surface, broker.account()), Heard()
    stream = stream_of(surface, client.account)
    stream.subscribe_trade_updates(heard.handler("updates"))
    with Log("alpaca_trade_api") as log, running(stream):
        until_listening(client.api, heard)
        renewed = Client(surface, broker.regenerate(client.account))
        log.wait("failed to authenticate")
    heard = Heard()
    stream = stream_of(surface, renewed.account)
    stream.subscribe_trade_updates(heard.handler("updates"))
    with running(stream):
        until_listening(renewed.api, heard)


def test_stocks(broker, surface, running):
    stream, heard = stream_of(surface, broker.account()), Heard()
    for channel, (name, symbol) in CHANNELS.items():
        more = {}
        if name == "trades":
            silent = heard.handler("silent")
            more = {"handler_cancel_errors": silent, "handler_corrections": silent}
        getattr(stream, f"subscribe_{name}")(heard.handler(channel), symbol, **more)
    with running(stream):
        for channel in CHANNELS.keys() - SILENT:
            surface.heard(channel)
            assert heard.wait(channel).symbol
        for channel in SILENT | {"/v2/iex corrections", "/v2/iex cancelErrors"}:
            surface.heard(channel, "silent")
        quote = heard.wait("/v2/iex quotes")
        assert quote.symbol == "AAPL" and 0 < quote.bid_price <= quote.ask_price
        for name, symbol in CHANNELS.values():
            if name != "daily_bars":
                getattr(stream, f"unsubscribe_{name}")(symbol)
        heard.next("/v2/iex dailyBars")
        stream.unsubscribe_daily_bars("SPY")


def test_streams_are_compressed(broker, surface, running):
    """The WebSocket library offers it by itself."""
    stream, heard = stream_of(surface, broker.account()), Heard()
    stream.subscribe_trades(heard.handler("trades"), "AAPL")
    with running(stream):
        heard.wait("trades")
        assert [extension.name for extension in stream._data_ws._ws.extensions] == ["permessage-deflate"]


def test_handlers_by_decorator(broker, surface, running):
    stream, heard = stream_of(surface, broker.account()), Heard()
    names = {"trade": "AAPL", "quote": "AAPL", "bar": "*", "updated_bar": "*", "daily_bar": "*"}
    for name, symbol in names.items():
        getattr(stream, f"on_{name}")(symbol)(heard.handler(name))
    for name in ("status", "luld", "cancel_error", "correction"):
        getattr(stream, f"on_{name}")("*")(heard.handler(name))
    with running(stream):
        for name in names:
            assert heard.wait(name)


def test_news(surface, running):
    stepped = Broker("--clock", "step", "--start", "2026-11-20")
    stream, heard = stream_of(surface, stepped.account()), Heard()
    stream.subscribe_news(heard.handler("news"), "AAPL")
    stream.on_news("*")(heard.handler("news"))
    with Log("alpaca_trade_api") as log, running(stream):
        log.wait("subscribed to")
        # The opening of each stock is reported within minutes.
        stepped.step(900)
        assert heard.wait("news").headline
        stream.unsubscribe_news("AAPL", "*")
    surface.heard("/v1beta1/news news")
    assert stepped.stop() == 0


def test_crypto_is_asked_for_where_alpaca_has_it_no_more(broker, surface, running):
    """The client was archived with `/v1beta2/crypto` in it, which Alpaca has retired."""
    stream, heard = stream_of(surface, broker.account()), Heard()
    for name in CRYPTO:
        getattr(stream, f"on_crypto_{name.removesuffix('s')}")("BTC/USD")(heard.handler(name))
        getattr(stream, f"subscribe_crypto_{name}")(heard.handler(name), "BTC/USD")
    with Log("alpaca_trade_api") as log, running(stream):
        log.wait("HTTP 404")
    for name in CRYPTO:
        getattr(stream, f"unsubscribe_crypto_{name}")("BTC/USD")
        channel = {"updated_bars": "updatedBars", "daily_bars": "dailyBars"}.get(name, name)
        surface.heard(f"/v1beta2/crypto {channel}", "not offered")


def test_a_wrong_pair_is_told(broker, surface, running):
    account = broker.account()
    stream = surface.wrap(Stream(account.key_id, "wrong", account.url, account.url), False)
    stream.subscribe_trades(Heard().handler("trades"), "AAPL")
    with Log("alpaca_trade_api") as log, running(stream):
        log.wait("auth failed")
