"""Streams: trade updates, and market data in MessagePack."""

import time

import pytest
from alpaca.data.live import CryptoDataStream, NewsDataStream, OptionDataStream, StockDataStream
from alpaca.trading.enums import OrderSide, TimeInForce, TradeEvent
from alpaca.trading.requests import LimitOrderRequest, MarketOrderRequest, ReplaceOrderRequest
from alpaca.trading.stream import TradingStream

from broker import Broker
from conftest import Clients
from hearing import Heard, Log
from test_orders import market, resting

TRADES, QUOTES, BARS = "/v2/iex trades", "/v2/iex quotes", "/v2/iex bars"


@pytest.fixture
def trading_stream(surface):
    """A stream of an account's trade updates, what it heard, and the clients of the account."""

    def open_stream(account):
        stream = surface.wrap(TradingStream(account.key_id, account.secret_key, url_override=account.stream("/stream")), False)
        heard = Heard()
        stream.subscribe_trade_updates(heard.handler("updates"))
        return stream, heard

    return open_stream


def until_listening(trader, heard) -> None:
    """Only what happens after `listen` is told, and alpaca-py does not say when it listens: orders are placed until one is."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        trader.trading.cancel_order_by_id(trader.trading.submit_order(resting()).id)
        if heard.of("updates"):
            heard.wait("updates", lambda update: update.event == TradeEvent.CANCELED)
            return
    raise AssertionError("the stream never listened")


@pytest.mark.parametrize("environment", ["paper", "live"])
def test_every_step_of_an_order(broker, surface, trading_stream, environment, running):
    trader = Clients(surface, broker.account(environment))
    stream, heard = trading_stream(trader.account)
    with running(stream):
        until_listening(trader, heard)
        bought = trader.trading.submit_order(market("AAPL", qty=2))
        first = trader.trading.submit_order(resting())
        second = trader.trading.replace_order_by_id(first.id, ReplaceOrderRequest(limit_price=1.25))
        trader.trading.cancel_order_by_id(second.id)

        def of(order, event: TradeEvent):
            surface.heard(f"/stream {event.value}")
            return heard.wait("updates", lambda update: (update.order.id, update.event) == (order.id, event))

        fill = of(bought, TradeEvent.FILL)
        assert (fill.qty, fill.position_qty, fill.order.filled_qty) == (2, 2, "2")
        assert fill.price > 0 and fill.execution_id
        assert of(bought, TradeEvent.PENDING_NEW) and of(bought, TradeEvent.NEW)
        assert of(first, TradeEvent.REPLACED).order.replaced_by == second.id
        assert of(second, TradeEvent.CANCELED).order.canceled_at


def test_orders_expire_and_queued_ones_are_accepted(surface, trading_stream, running):
    stepped = Broker("--clock", "step", "--start", "2026-11-20")
    try:
        trader = Clients(surface, stepped.account())
        watched = trader.trading
        stream, heard = trading_stream(trader.account)
        with running(stream):
            until_listening(trader, heard)
            order = watched.submit_order(LimitOrderRequest(symbol="AAPL", qty=1, side=OrderSide.BUY, time_in_force=TimeInForce.DAY, limit_price=1.5))
            stepped.step(7 * 3600)
            expired = heard.wait("updates", lambda update: update.event == TradeEvent.EXPIRED)
            assert expired.order.id == order.id and expired.order.expired_at
            surface.heard("/stream expired")
            queued = watched.submit_order(MarketOrderRequest(symbol="AAPL", qty=1, side=OrderSide.BUY, time_in_force=TimeInForce.DAY))
            heard.wait("updates", lambda update: (update.order.id, update.event) == (queued.id, TradeEvent.ACCEPTED))
            surface.heard("/stream accepted")
            # Over the weekend to Monday's opening.
            stepped.step(3 * 24 * 3600)
            heard.wait("updates", lambda update: (update.order.id, update.event) == (queued.id, TradeEvent.FILL))
    finally:
        assert stepped.stop() == 0


def test_a_stream_ends_with_its_pair_and_comes_back_with_the_new_one(broker, surface, trading_stream, running):
    old = Clients(surface, broker.account())
    stream, heard = trading_stream(old.account)
    with Log("alpaca") as log, running(stream):
        until_listening(old, heard)
        new = Clients(surface, broker.regenerate(old.account))
        # alpaca-py connects again by itself, and is told that its pair is dead.
        log.wait("failed to authenticate")
    stream, heard = trading_stream(new.account)
    with running(stream):
        until_listening(new, heard)


def test_stocks(broker, surface, running):
    account = broker.account()
    stream = surface.wrap(StockDataStream(account.key_id, account.secret_key, url_override=account.stream("/v2/iex")), False)
    heard = Heard()
    stream.subscribe_trades(heard.handler("trades"), "AAPL", "MSFT")
    stream.subscribe_quotes(heard.handler("quotes"), "AAPL")
    stream.subscribe_bars(heard.handler("bars"), "*")
    stream.subscribe_updated_bars(heard.handler("updatedBars"), "*")
    stream.subscribe_daily_bars(heard.handler("dailyBars"), "SPY")
    stream.subscribe_trading_statuses(heard.handler("statuses"), "*")
    stream.register_trade_corrections(heard.handler("corrections"))
    stream.register_trade_cancels(heard.handler("cancelErrors"))
    with running(stream):
        trade, quote = heard.wait("trades"), heard.wait("quotes")
        assert trade.symbol in ("AAPL", "MSFT") and trade.price > 0 and trade.timestamp.tzinfo
        assert quote.symbol == "AAPL" and 0 < quote.bid_price <= quote.ask_price
        bar, day = heard.wait("bars"), heard.wait("dailyBars")
        assert bar.low <= bar.open <= bar.high and day.symbol == "SPY"
        assert heard.wait("updatedBars").volume > 0
        for channel in ("trades", "quotes", "bars", "updatedBars", "dailyBars"):
            surface.heard(f"/v2/iex {channel}")
        for channel in ("statuses", "corrections", "cancelErrors"):
            surface.heard(f"/v2/iex {channel}", "silent")

        stream.unsubscribe_trades("AAPL")
        assert heard.next("trades").symbol == "MSFT"
        stream.subscribe_trades(heard.handler("more trades"), "IBM")
        assert heard.wait("more trades").symbol == "IBM"
        stream.unsubscribe_trades("MSFT", "IBM")
        stream.unsubscribe_quotes("AAPL")
        stream.unsubscribe_bars("*")
        stream.unsubscribe_updated_bars("*")
        stream.unsubscribe_trading_statuses("*")
        # What is still subscribed to goes on.
        heard.next("dailyBars")
        stream.unsubscribe_daily_bars("SPY")


def test_the_test_stream(broker, surface, running):
    account = broker.account()
    stream = surface.wrap(StockDataStream(account.key_id, account.secret_key, url_override=account.stream("/v2/test")), False)
    heard = Heard()
    stream.subscribe_trades(heard.handler("trades"), "FAKEPACA")
    with running(stream):
        assert heard.wait("trades").symbol == "FAKEPACA"
    surface.heard("/v2/test trades")


def test_crypto(broker, surface, running):
    account = broker.account()
    stream = surface.wrap(
        CryptoDataStream(account.key_id, account.secret_key, url_override=account.stream("/v1beta3/crypto/us")), False
    )
    heard = Heard()
    channels = {
        "trades": (stream.subscribe_trades, stream.unsubscribe_trades),
        "quotes": (stream.subscribe_quotes, stream.unsubscribe_quotes),
        "bars": (stream.subscribe_bars, stream.unsubscribe_bars),
        "updatedBars": (stream.subscribe_updated_bars, stream.unsubscribe_updated_bars),
        "dailyBars": (stream.subscribe_daily_bars, stream.unsubscribe_daily_bars),
        "orderbooks": (stream.subscribe_orderbooks, stream.unsubscribe_orderbooks),
    }
    for channel, (subscribe, _) in channels.items():
        subscribe(heard.handler(channel), "BTC/USD")
    with running(stream):
        for channel in channels:
            assert heard.wait(channel).symbol == "BTC/USD"
            surface.heard(f"/v1beta3/crypto/us {channel}")
        book = heard.wait("orderbooks")
        assert book.bids[0].price < book.asks[0].price
        for _, unsubscribe in channels.values():
            unsubscribe("BTC/USD")


def test_news(surface, running):
    stepped = Broker("--clock", "step", "--start", "2026-11-20")
    account = stepped.account()
    stream = surface.wrap(NewsDataStream(account.key_id, account.secret_key, url_override=account.stream("/v1beta1/news")), False)
    heard = Heard()
    stream.subscribe_news(heard.handler("news"), "*")
    with Log("alpaca") as log, running(stream):
        log.wait("subscribed to news: ['*']")
        # The opening of each stock is reported within minutes.
        stepped.step(900)
        article = heard.wait("news")
        assert article.headline and article.symbols and article.created_at.tzinfo
        stream.unsubscribe_news("*")
    surface.heard("/v1beta1/news news")
    assert stepped.stop() == 0


def test_options_have_no_stream(broker, surface, running):
    account = broker.account()
    stream = surface.wrap(
        OptionDataStream(account.key_id, account.secret_key, url_override=account.stream("/v1beta1/indicative")), False
    )
    heard = Heard()
    stream.subscribe_trades(heard.handler("trades"), "AAPL271217C00200000")
    stream.subscribe_quotes(heard.handler("quotes"), "AAPL271217C00200000")
    stream.unsubscribe_trades("AAPL271217C00200000")
    with Log("alpaca") as log, running(stream):
        log.wait("HTTP 404")
    stream.unsubscribe_quotes("AAPL271217C00200000")
    for channel in ("trades", "quotes"):
        surface.heard(f"/v1beta1/indicative {channel}", "not offered")


def test_a_wrong_pair_is_told(broker, surface, running):
    account = broker.account()
    stream = StockDataStream(account.key_id, "wrong", url_override=account.stream("/v2/sip"))
    stream.subscribe_trades(Heard().handler("trades"), "AAPL")
    with Log("alpaca") as log, running(surface.wrap(stream, False)):
        log.wait("auth failed")
