"""Streams of the built-in broker, as unmodified alpaca-py hears them."""

import json
import queue
import threading
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from alpaca.data.enums import DataFeed
from alpaca.data.live import CryptoDataStream, StockDataStream
from alpaca.data.models import Bar, Quote, Trade
from alpaca.trading.client import TradingClient
from alpaca.trading.enums import OrderSide, TimeInForce, TradeEvent
from alpaca.trading.models import TradeUpdate
from alpaca.trading.requests import LimitOrderRequest, MarketOrderRequest
from alpaca.trading.stream import TradingStream
from websockets.sync.client import connect

from broker import PATIENCE, Broker

@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    # A minute of its time is a second of ours.
    server = Broker(tmp_path_factory.mktemp("paper"), "--clock", "x60")
    yield server
    assert server.stop() == 0, "paddock paper serve did not end cleanly"


@pytest.fixture(params=["paper", "live"])
def account(broker, request):
    return broker.account(request.param)


class Heard:
    """What a stream's handlers were called with, while it runs in a thread of its own."""

    def __init__(self, stream):
        self._stream = stream
        self._messages: queue.Queue = queue.Queue()
        self._thread = threading.Thread(target=stream.run, daemon=True)

    async def hear(self, message) -> None:
        self._messages.put(message)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stream.stop()
        self._thread.join(timeout=PATIENCE)
        assert not self._thread.is_alive(), "the stream did not stop"

    def until(self, is_last: Callable) -> list:
        """All messages up to and with the first of which `is_last` is true."""
        messages = []
        while True:
            messages.append(self._messages.get(timeout=PATIENCE))
            if is_last(messages[-1]):
                return messages


def websocket(url: str, path: str) -> str:
    return url.replace("http", "ws", 1) + path


def test_trade_updates(account):
    trading = TradingClient(account["key"], account["secret"], url_override=account["url"])
    stream = TradingStream(account["key"], account["secret"], url_override=websocket(account["url"], "/stream"))
    heard = Heard(stream)
    stream.subscribe_trade_updates(heard.hear)
    with heard:
        # alpaca-py does not say when it listens: an order that rests is placed anew until it is heard of.
        while True:
            resting = LimitOrderRequest(
                symbol="AAPL", qty=1, side=OrderSide.BUY, time_in_force=TimeInForce.GTC, limit_price=1
            )
            order = trading.submit_order(resting)
            trading.cancel_order_by_id(order.id)
            try:
                heard._messages.get(timeout=1)
                break
            except queue.Empty:
                continue
        bought = trading.submit_order(
            MarketOrderRequest(symbol="AAPL", qty=3, side=OrderSide.BUY, time_in_force=TimeInForce.DAY)
        )
        updates = heard.until(lambda update: update.event == TradeEvent.FILL)
        assert all(isinstance(update, TradeUpdate) for update in updates)
        assert [update.event for update in updates if update.order.id == bought.id] == [
            TradeEvent.PENDING_NEW,
            TradeEvent.NEW,
            TradeEvent.FILL,
        ]
        fill, order = updates[-1], trading.get_order_by_id(bought.id)
        assert (fill.qty, fill.position_qty, fill.price) == (3, 3, float(order.filled_avg_price))
        assert fill.order == order


@pytest.mark.parametrize("path", ["/v2/iex", "/v2/sip"])
def test_stocks(broker, path):
    account = broker.account("paper")
    began = datetime.now(UTC)
    stream = StockDataStream(account["key"], account["secret"], feed=DataFeed.IEX, url_override=websocket(account["url"], path))
    heard = Heard(stream)
    stream.subscribe_trades(heard.hear, "AAPL")
    stream.subscribe_quotes(heard.hear, "MSFT")
    stream.subscribe_bars(heard.hear, "*")
    stream.subscribe_daily_bars(heard.hear, "SPY")
    with heard:
        messages = heard.until(lambda message: isinstance(message, Bar) and message.symbol == "SPY")
        messages += heard.until(lambda message: isinstance(message, Bar) and message.symbol == "SPY")
    check_prices(messages, trades="AAPL", quotes="MSFT", began=began)


def test_crypto(broker):
    account = broker.account("live")
    began = datetime.now(UTC)
    url = websocket(account["url"], "/v1beta3/crypto/us")
    stream = CryptoDataStream(account["key"], account["secret"], url_override=url)
    heard = Heard(stream)
    stream.subscribe_trades(heard.hear, "BTC/USD")
    stream.subscribe_quotes(heard.hear, "ETH/USD")
    stream.subscribe_bars(heard.hear, "BTC/USD")
    with heard:
        messages = heard.until(lambda message: isinstance(message, Bar))
    check_prices(messages, trades="BTC/USD", quotes="ETH/USD", began=began)


def check_prices(messages: list, trades: str, quotes: str, began: datetime) -> None:
    """That all kinds came, for the right symbols, as alpaca-py's own types with sensible figures."""
    assert {type(message) for message in messages} == {Trade, Quote, Bar}
    for message in messages:
        if isinstance(message, Trade):
            assert message.symbol == trades and message.price > 0 and message.size > 0
        elif isinstance(message, Quote):
            assert message.symbol == quotes and 0 < message.bid_price < message.ask_price
        else:
            assert message.low <= message.open <= message.high and message.trade_count > 0
            assert message.timestamp.second == 0
        # The broker's clock runs ahead of ours, and begins with it.
        assert message.timestamp.tzinfo is not None and (message.timestamp - began).days < 2


def test_plain_json(broker):
    """A client without an SDK: credentials in headers, JSON in text, a subscription in several fragments."""
    account = broker.account("paper")
    pair = {"APCA-API-KEY-ID": account["key"], "APCA-API-SECRET-KEY": account["secret"]}
    with connect(websocket(account["url"], "/v2/iex"), additional_headers=pair) as socket:

        def receive() -> list:
            return json.loads(socket.recv(timeout=PATIENCE))

        assert receive() == [{"T": "success", "msg": "connected"}]
        assert receive() == [{"T": "success", "msg": "authenticated"}]
        socket.send(['{"action":"subscribe","trades":["AAPL"],', '"quotes":["AAPL"],"bars":["AAPL"]}'])
        assert receive()[0]["bars"] == ["AAPL"]
        kinds = set()
        while kinds != {"t", "q", "b"}:
            messages = receive()
            assert all(message["S"] == "AAPL" and isinstance(message["t"], str) for message in messages)
            kinds.update(message["T"] for message in messages)


def test_raw_messages_have_the_clients_timestamps(broker):
    account = broker.account("paper")
    stream = StockDataStream(
        account["key"], account["secret"], raw_data=True, url_override=websocket(account["url"], "/v2/test")
    )
    heard = Heard(stream)
    stream.subscribe_trades(heard.hear, "FAKEPACA")
    with heard:
        trade = heard.until(lambda _: True)[0]
    assert (trade["T"], trade["S"], type(trade["s"]), type(trade["p"])) == ("t", "FAKEPACA", int, float)
    assert type(trade["t"]).__name__ == "Timestamp"


def test_a_wrong_pair_ends_the_stream(broker, caplog):
    account = broker.account("paper")
    stream = StockDataStream(account["key"], "wrong", url_override=websocket(account["url"], "/v2/iex"))
    heard = Heard(stream)
    stream.subscribe_trades(heard.hear, "AAPL")
    with heard:
        while "auth failed" not in caplog.text:
            heard._thread.join(timeout=0.1)
