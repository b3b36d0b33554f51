"""Streams through the gateway, as unmodified alpaca-py hears them: many programs on one account, where Alpaca itself has one place."""

import logging
import queue
import threading
import time

import pytest
from alpaca.data.enums import DataFeed
from alpaca.data.live import CryptoDataStream, StockDataStream
from alpaca.data.models import Quote, Trade
from alpaca.trading.enums import OrderSide, TimeInForce, TradeEvent
from alpaca.trading.requests import LimitOrderRequest, MarketOrderRequest
from alpaca.trading.stream import TradingStream

PATIENCE = 60
PROGRAMS = 20


class Program(threading.Thread):
    """A program with one stream, and what it has heard."""

    def __init__(self, stream):
        super().__init__(daemon=True)
        self.stream, self.heard = stream, queue.Queue()

    async def hear(self, message) -> None:
        self.heard.put(message)

    def run(self) -> None:
        self.stream.run()

    def next(self):
        return self.heard.get(timeout=PATIENCE)

    def stop(self) -> None:
        self.stream.stop()
        self.join(timeout=PATIENCE)
        assert not self.is_alive(), "the stream did not stop"


def address(paddock, path: str) -> str:
    return paddock.gateway.replace("http", "ws", 1) + path


@pytest.fixture
def pair(trader):
    return trader.key.key_id, trader.key.secret_key


def test_twenty_programs_hear_the_market_at_once(paddock, pair):
    programs = []
    for number in range(PROGRAMS):
        crypto = number % 4 == 3
        stream = (
            CryptoDataStream(*pair, url_override=address(paddock, "/v1beta3/crypto/us"))
            if crypto
            else StockDataStream(*pair, feed=DataFeed.IEX, url_override=address(paddock, "/v2/iex"))
        )
        program = Program(stream)
        if crypto:
            stream.subscribe_trades(program.hear, "BTC/USD")
        elif number % 4 == 2:
            stream.subscribe_quotes(program.hear, "SPY")
        else:
            stream.subscribe_trades(program.hear, "AAPL")
        programs.append((program, "BTC/USD" if crypto else "SPY" if number % 4 == 2 else "AAPL", Quote if number % 4 == 2 else Trade))
    for program, _, _ in programs:
        program.start()
    for program, symbol, kind in programs:
        message = program.next()
        assert isinstance(message, kind)
        assert message.symbol == symbol
    stopping = [threading.Thread(target=program.stop) for program, _, _ in programs]
    for thread in stopping:
        thread.start()
    for thread in stopping:
        thread.join(timeout=PATIENCE)
        assert not thread.is_alive()


def test_two_programs_hear_of_one_order(paddock, flat, pair):
    programs = [Program(TradingStream(*pair, url_override=address(paddock, "/stream"))) for _ in range(2)]
    for program in programs:
        program.stream.subscribe_trade_updates(program.hear)
        program.start()
    # alpaca-py does not say when it listens: an order that rests is placed anew until both have heard of one.
    deaf, deadline = list(programs), time.monotonic() + PATIENCE
    while deaf:
        assert time.monotonic() < deadline, "a stream never listened"
        resting = LimitOrderRequest(symbol="AAPL", qty=1, side=OrderSide.BUY, time_in_force=TimeInForce.GTC, limit_price=1)
        flat.trading.cancel_order_by_id(flat.trading.submit_order(resting).id)
        for program in list(deaf):
            try:
                program.heard.get(timeout=1)
                deaf.remove(program)
            except queue.Empty:
                pass
    order = flat.trading.submit_order(
        MarketOrderRequest(symbol="AAPL", qty=1, side=OrderSide.BUY, time_in_force=TimeInForce.DAY)
    )
    for program in programs:
        while True:
            update = program.next()
            if update.order.id == order.id and update.event == TradeEvent.FILL:
                break
        program.stop()


class Refusals(logging.Handler):
    """What alpaca-py logs when it may not authenticate; it tries for ever."""

    def __init__(self):
        super().__init__()
        self.seen = threading.Event()

    def emit(self, record: logging.LogRecord) -> None:
        if "failed to authenticate" in record.getMessage():
            self.seen.set()


def test_a_freeze_ends_an_open_stream_and_keeps_it_shut(paddock, clients_for):
    key = clients_for("--preset", "trader").key
    program = Program(TradingStream(key.key_id, key.secret_key, url_override=address(paddock, "/stream")))
    program.stream.subscribe_trade_updates(program.hear)
    log, refusals = logging.getLogger("alpaca.trading.stream"), Refusals()
    log.addHandler(refusals)
    try:
        program.start()
        assert paddock.run("key", "freeze", key.name).returncode == 0
        assert refusals.seen.wait(timeout=PATIENCE), "the stream went on, or came back"
    finally:
        log.removeHandler(refusals)
        program.stop()
