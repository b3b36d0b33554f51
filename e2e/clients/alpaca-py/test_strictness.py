"""What Alpaca does and the broker does when it is asked to: fills in parts, limits, and the other ways in."""

import json

from alpaca.data.historical import StockHistoricalDataClient
from alpaca.data.live import StockDataStream
from alpaca.data.requests import StockLatestQuoteRequest
from alpaca.trading.client import TradingClient
from alpaca.trading.enums import TradeEvent
from alpaca.trading.stream import TradingStream

from broker import Broker
from conftest import Clients
from hearing import Heard, Log
from test_orders import market
from test_streams import until_listening


def test_orders_are_filled_in_parts(surface, running):
    strict = Broker("--hold-open", "--clock", "x60", "--partial-fills")
    try:
        trader, heard = Clients(surface, strict.account(cash="10000000")), Heard()
        account = trader.account
        stream = TradingStream(account.key_id, account.secret_key, url_override=account.stream("/stream"))
        stream.subscribe_trade_updates(heard.handler("updates"))
        with running(surface.wrap(stream, False)):
            until_listening(trader, heard)
            # One order in ten is.
            for _ in range(200):
                trader.trading.submit_order(market("AAPL", qty=10))
                if any(update.event == TradeEvent.PARTIAL_FILL for update in heard.of("updates")):
                    break
            part = heard.wait("updates", lambda update: update.event == TradeEvent.PARTIAL_FILL)
            assert 0 < part.qty < 10 and part.order.status.value == "partially_filled"
            whole = lambda update: (update.order.id, update.event) == (part.order.id, TradeEvent.FILL)
            assert heard.wait("updates", whole).order.filled_qty == "10"
            surface.heard("/stream partial_fill")
    finally:
        assert strict.stop() == 0


def test_too_many_requests_are_sent_again_later():
    strict = Broker("--hold-open", "--clock", "x60", "--rate-limit", "3")
    try:
        account = strict.account()
        client = TradingClient(account.key_id, account.secret_key, url_override=account.url)
        assert {client.get_account().account_number for _ in range(10)} == {account.number}
        refusals = [line for line in map(json.loads, strict.record.open()) if line["status"] == 429]
        assert json.loads(refusals[0]["response"])["code"] == 42910000
    finally:
        assert strict.stop() == 0


def test_too_many_symbols_are_refused(surface, running):
    strict = Broker("--hold-open", "--symbol-limit", "2")
    try:
        account = strict.account()
        stream = StockDataStream(account.key_id, account.secret_key, url_override=account.stream("/v2/iex"))
        stream.subscribe_trades(Heard().handler("trades"), "AAPL", "MSFT", "IBM")
        with Log("alpaca") as log, running(surface.wrap(stream, False)):
            log.wait("symbol limit exceeded (405)")
    finally:
        assert strict.stop() == 0


def test_one_connection_is_allowed_to_each_stream(broker, surface, running):
    account = broker.account()
    first, second = (
        StockDataStream(account.key_id, account.secret_key, url_override=account.stream("/v2/iex")) for _ in range(2)
    )
    heard = Heard()
    for stream in (first, second):
        stream.subscribe_trades(heard.handler("trades"), "AAPL")
    with running(surface.wrap(first, False)):
        heard.wait("trades")
        with Log("alpaca") as log, running(surface.wrap(second, False)):
            log.wait("connection limit exceeded")


def test_a_data_stream_ends_with_its_pair(broker, surface, running):
    account, heard = broker.account(), Heard()
    stream = StockDataStream(account.key_id, account.secret_key, url_override=account.stream("/v2/sip"))
    stream.subscribe_trades(heard.handler("trades"), "AAPL")
    with Log("alpaca") as log, running(surface.wrap(stream, False)):
        heard.wait("trades")
        broker.regenerate(account)
        log.wait("auth failed")


def test_streams_are_compressed(broker, surface, running):
    """The WebSocket library offers it by itself."""
    account, heard = broker.account(), Heard()
    stream = StockDataStream(account.key_id, account.secret_key, url_override=account.stream("/v2/iex"))
    stream.subscribe_trades(heard.handler("trades"), "*")
    with running(surface.wrap(stream, False)):
        heard.wait("trades")
        assert [extension.name for extension in stream._ws.extensions] == ["permessage-deflate"]


def test_basic_authentication(broker):
    account = broker.account()
    client = StockHistoricalDataClient(
        account.key_id, account.secret_key, use_basic_auth=True, url_override=account.url
    )
    assert client.get_stock_latest_quote(StockLatestQuoteRequest(symbol_or_symbols="AAPL"))["AAPL"].ask_price > 0


def test_raw_data(broker):
    """Answers are passed on as they came."""
    account = broker.account()
    client = TradingClient(account.key_id, account.secret_key, raw_data=True, url_override=account.url)
    assert client.get_account()["cash"] == "100000"
