"""Streams through the gateway, as unmodified alpaca-py hears them: many programs on one account, where Alpaca itself has one place."""

import queue
import threading

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
            stream.subscribe_quotes(program.hear, "IBM")
        else:
            stream.subscribe_trades(program.hear, "AAPL")
        programs.append((program, "BTC/USD" if crypto else "IBM" if number % 4 == 2 else "AAPL", Quote if number % 4 == 2 else Trade))
    for program, _, _ in programs:
        program.start()
    for program, symbol, kind in programs:
        message = program.next()
        assert isinstance(message, kind)
        assert message.symbol == symbol
    for program, _, _ in programs:
        program.stop()


def test_two_programs_hear_of_one_order(paddock, flat, pair):
    programs = [Program(TradingStream(*pair, url_override=address(paddock, "/stream"))) for _ in range(2)]
    for program in programs:
        program.stream.subscribe_trade_updates(program.hear)
        program.start()
    # alpaca-py does not say when it listens: an order that rests is placed anew until both have heard of one.
    deaf = list(programs)
    while deaf:
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


def test_a_freeze_ends_an_open_stream(paddock, clients_for):
    key = clients_for("--preset", "trader").key
    program = Program(TradingStream(key.key_id, key.secret_key, url_override=address(paddock, "/stream")))
    program.stream.subscribe_trade_updates(program.hear)
    program.start()
    assert paddock.run("key", "freeze", key.name).returncode == 0
    # alpaca-py gives up when it may not authenticate, at once or when it tries again.
    program.join(timeout=PATIENCE)
    assert not program.is_alive()
