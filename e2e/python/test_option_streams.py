"""Streams of option contracts through the gateway, as unmodified alpaca-py hears them. The built-in broker has none, so that a stand-in
speaks for Alpaca: MessagePack only, one connection for each account."""

import threading
import time

import msgpack
import pytest
from alpaca.data.enums import OptionsFeed
from alpaca.data.live import OptionDataStream
from alpaca.data.models import Quote, Trade
from websockets.sync.server import serve

from broker import Broker, Gateway
from test_gateway_streams import Program

APPLE, MICROSOFT = "AAPL261218C00150000", "MSFT261218P00400000"


class Alpaca:
    """`wss://stream.data.alpaca.markets/v1beta1/indicative`."""

    def __init__(self):
        self.pair: tuple[str, str] | None = None
        self.connections, self.wrong = 0, []
        self._server = serve(self._serve, "127.0.0.1", 0)
        self.url = "ws://{}:{}".format(*self._server.socket.getsockname())
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def _serve(self, socket) -> None:
        self.connections += 1
        if socket.request.path != "/v1beta1/indicative" or socket.request.headers.get("Content-Type") != "application/msgpack":
            self.wrong.append((socket.request.path, dict(socket.request.headers)))
        subscribed: dict[str, set] = {"trades": set(), "quotes": set()}

        def say(*messages: dict) -> None:
            socket.send(msgpack.packb(list(messages)))

        def market() -> None:
            while True:
                for symbol in list(subscribed["quotes"]):
                    say({"T": "q", "S": symbol, "t": msgpack.Timestamp.from_unix_nano(time.time_ns()), "bp": 1.84, "bs": 12, "bx": "C",
                         "ap": 2.0, "as": 7, "ax": "N", "c": "A"})
                for symbol in list(subscribed["trades"]):
                    say({"T": "t", "S": symbol, "t": msgpack.Timestamp.from_unix_nano(time.time_ns()), "p": 1.9, "s": 3, "x": "C", "c": "I"})
                time.sleep(0.05)

        say({"T": "success", "msg": "connected"})
        for message in socket:
            said = msgpack.unpackb(message)
            if said["action"] == "auth":
                if (said["key"], said["secret"]) != self.pair:
                    self.wrong.append(said["key"])
                say({"T": "success", "msg": "authenticated"})
                threading.Thread(target=market, daemon=True).start()
            elif said["action"] == "subscribe":
                for channel in subscribed:
                    subscribed[channel].update(said.get(channel) or [])
                say({"T": "subscription", **{channel: sorted(symbols) for channel, symbols in subscribed.items()}})

    def stop(self) -> None:
        self._server.shutdown()


@pytest.fixture(scope="module")
def alpaca():
    server = Alpaca()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def gateway(alpaca, tmp_path_factory):
    broker = Broker(tmp_path_factory.mktemp("paper"))
    server = Gateway(tmp_path_factory.mktemp("paddock"), broker, alpaca.url)
    alpaca.pair = server.account["key"], server.account["secret"]
    yield server
    assert server.stop() == 0
    assert broker.stop() == 0


def stream(gateway, key) -> Program:
    url = gateway.url.replace("http", "ws", 1) + "/v1beta1/indicative"
    return Program(OptionDataStream(key.key_id, key.secret_key, feed=OptionsFeed.INDICATIVE, url_override=url))


def test_programs_share_the_accounts_one_place(alpaca, gateway):
    key = gateway.create_key("--preset", "read-only", "--data-symbols", "AAPL")
    quotes, trades = stream(gateway, key), stream(gateway, key)
    quotes.stream.subscribe_quotes(quotes.hear, APPLE)
    trades.stream.subscribe_trades(trades.hear, APPLE)
    for program in (quotes, trades):
        program.start()
    quote, trade = quotes.next(), trades.next()
    assert isinstance(quote, Quote) and isinstance(trade, Trade)
    assert (quote.symbol, quote.bid_price, quote.ask_price, quote.ask_size) == (APPLE, 1.84, 2.0, 7)
    assert (trade.symbol, trade.price, trade.size, trade.conditions) == (APPLE, 1.9, 3, "I")
    assert quote.timestamp.tzinfo is not None
    # One left its place to nobody, and the other hears on.
    quotes.stop()
    for _ in range(5):
        assert isinstance(trades.next(), Trade)
    trades.stop()
    assert (alpaca.connections, alpaca.wrong) == (1, [])


def test_a_contract_on_another_stock_is_refused(gateway, caplog):
    key = gateway.create_key("--preset", "read-only", "--data-symbols", "AAPL")
    program = stream(gateway, key)
    program.stream.subscribe_quotes(program.hear, MICROSOFT)
    program.start()
    deadline = time.monotonic() + 30
    while "insufficient subscription" not in caplog.text:
        assert time.monotonic() < deadline, caplog.text
        time.sleep(0.05)
    assert program.heard.empty()
    program.stop()
