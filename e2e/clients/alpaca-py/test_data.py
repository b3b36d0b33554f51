"""Market data: stocks, crypto, news, screener, corporate actions and options."""

from datetime import datetime, timedelta, timezone

import pytest
from alpaca.common.exceptions import APIError
from alpaca.data.enums import Adjustment, DataFeed, MarketType
from alpaca.data.requests import (
    CorporateActionsRequest,
    CryptoBarsRequest,
    CryptoLatestBarRequest,
    CryptoLatestOrderbookRequest,
    CryptoLatestQuoteRequest,
    CryptoLatestTradeRequest,
    CryptoQuoteRequest,
    CryptoSnapshotRequest,
    CryptoTradesRequest,
    MarketMoversRequest,
    MostActivesRequest,
    NewsRequest,
    OptionBarsRequest,
    OptionChainRequest,
    OptionLatestQuoteRequest,
    OptionLatestTradeRequest,
    OptionSnapshotRequest,
    OptionTradesRequest,
    StockBarsRequest,
    StockLatestBarRequest,
    StockLatestQuoteRequest,
    StockLatestTradeRequest,
    StockQuotesRequest,
    StockSnapshotRequest,
    StockTradesRequest,
)
from alpaca.data.timeframe import TimeFrame, TimeFrameUnit
from alpaca.trading.requests import GetOptionContractsRequest

STOCKS, PAIRS = ["AAPL", "MSFT"], ["BTC/USD", "ETH/USD"]
OPTION = "AAPL271217C00200000"


def ago(**span) -> datetime:
    return datetime.now(timezone.utc) - timedelta(**span)


@pytest.mark.parametrize("timeframe", [TimeFrame.Day, TimeFrame.Hour, TimeFrame(5, TimeFrameUnit.Minute)])
def test_stock_bars(clients, timeframe):
    wanted = StockBarsRequest(
        symbol_or_symbols=STOCKS,
        timeframe=timeframe,
        start=ago(days=20),
        end=ago(days=1),
        adjustment=Adjustment.ALL,
        feed=DataFeed.IEX,
    )
    bars = clients.stocks.get_stock_bars(wanted)
    for symbol in STOCKS:
        assert len(bars[symbol]) >= 10
        assert all(bar.low <= bar.open <= bar.high and bar.low <= bar.vwap <= bar.high for bar in bars[symbol])
        assert [bar.timestamp for bar in bars[symbol]] == sorted(bar.timestamp for bar in bars[symbol])
    assert len(bars.df) == sum(len(bars[symbol]) for symbol in STOCKS)


def test_stock_quotes_and_trades(clients):
    span = {"symbol_or_symbols": STOCKS, "start": ago(days=7), "limit": 300}
    quotes = clients.stocks.get_stock_quotes(StockQuotesRequest(**span))
    trades = clients.stocks.get_stock_trades(StockTradesRequest(**span))
    assert sum(map(len, quotes.data.values())) == sum(map(len, trades.data.values())) == 300
    assert all(0 < quote.bid_price <= quote.ask_price for quote in quotes["AAPL"])
    assert all(trade.price > 0 and trade.size > 0 for trade in trades["AAPL"])


def test_latest_of_stocks(clients):
    wanted = {"symbol_or_symbols": STOCKS}
    bars = clients.stocks.get_stock_latest_bar(StockLatestBarRequest(**wanted))
    quotes = clients.stocks.get_stock_latest_quote(StockLatestQuoteRequest(**wanted))
    trades = clients.stocks.get_stock_latest_trade(StockLatestTradeRequest(**wanted))
    snapshots = clients.stocks.get_stock_snapshot(StockSnapshotRequest(**wanted))
    assert set(bars) == set(quotes) == set(trades) == set(snapshots) == set(STOCKS)
    for symbol in STOCKS:
        one = snapshots[symbol]
        assert one.latest_trade.price > 0 and one.latest_quote.ask_price > 0 and one.daily_bar.volume > 0
        assert one.minute_bar.symbol == one.previous_daily_bar.symbol == symbol


def test_crypto(clients):
    span = {"symbol_or_symbols": PAIRS, "start": ago(days=3), "limit": 100}
    bars = clients.crypto.get_crypto_bars(CryptoBarsRequest(timeframe=TimeFrame.Hour, **span))
    quotes = clients.crypto.get_crypto_quotes(CryptoQuoteRequest(**span))
    trades = clients.crypto.get_crypto_trades(CryptoTradesRequest(**span))
    assert {sum(map(len, some.data.values())) for some in (bars, quotes, trades)} == {100}


def test_latest_of_crypto(clients):
    wanted = {"symbol_or_symbols": PAIRS}
    bars = clients.crypto.get_crypto_latest_bar(CryptoLatestBarRequest(**wanted))
    quotes = clients.crypto.get_crypto_latest_quote(CryptoLatestQuoteRequest(**wanted))
    trades = clients.crypto.get_crypto_latest_trade(CryptoLatestTradeRequest(**wanted))
    books = clients.crypto.get_crypto_latest_orderbook(CryptoLatestOrderbookRequest(**wanted))
    snapshots = clients.crypto.get_crypto_snapshot(CryptoSnapshotRequest(**wanted))
    assert set(bars) == set(quotes) == set(trades) == set(books) == set(snapshots) == set(PAIRS)
    assert books["BTC/USD"].bids[0].price < books["BTC/USD"].asks[0].price


def if_offered(call):
    """The answer, or nothing where the broker says in the documented way that it has no such operation."""
    try:
        return call()
    except APIError as error:
        assert (error.status_code, error.code) == (501, 50110000), error
        return None


def test_news(clients):
    news = if_offered(lambda: clients.news.get_news(NewsRequest(symbols="AAPL,MSFT", limit=5)))
    if news:
        assert 0 < len(news.data["news"]) <= 5
        assert all(article.headline and set(article.symbols) & {"AAPL", "MSFT"} for article in news.data["news"])


def test_screener(clients):
    if actives := if_offered(lambda: clients.screener.get_most_actives(MostActivesRequest(top=5))):
        assert len(actives.most_actives) == 5
    for kind in (MarketType.STOCKS, MarketType.CRYPTO):
        if movers := if_offered(lambda: clients.screener.get_market_movers(MarketMoversRequest(top=5, market_type=kind))):
            assert len(movers.gainers) <= 5 and len(movers.losers) <= 5


def test_corporate_actions(clients):
    wanted = CorporateActionsRequest(symbols=STOCKS, start=ago(days=365).date(), end=ago(days=1).date())
    if (actions := if_offered(lambda: clients.corporate_actions.get_corporate_actions(wanted))) is not None:
        assert isinstance(actions.data, dict)


def test_option_contracts(clients):
    # Without dates only this week's are listed, of which there is none after Friday's close.
    wanted = GetOptionContractsRequest(underlying_symbols=["AAPL"], expiration_date_lte=ago(days=-14).date())
    contracts = if_offered(lambda: clients.trading.get_option_contracts(wanted))
    if contracts:
        first = contracts.option_contracts[0]
        assert first.underlying_symbol == "AAPL"
        assert clients.trading.get_option_contract(first.symbol).id == first.id
    else:
        assert if_offered(lambda: clients.trading.get_option_contract(OPTION)) is None


@pytest.mark.parametrize(
    "call",
    [
        lambda options: options.get_option_bars(OptionBarsRequest(symbol_or_symbols=OPTION, timeframe=TimeFrame.Day)),
        lambda options: options.get_option_trades(OptionTradesRequest(symbol_or_symbols=OPTION)),
        lambda options: options.get_option_latest_quote(OptionLatestQuoteRequest(symbol_or_symbols=OPTION)),
        lambda options: options.get_option_latest_trade(OptionLatestTradeRequest(symbol_or_symbols=OPTION)),
        lambda options: options.get_option_snapshot(OptionSnapshotRequest(symbol_or_symbols=OPTION)),
        lambda options: options.get_option_chain(OptionChainRequest(underlying_symbol="AAPL")),
        lambda options: options.get_option_exchange_codes(),
    ],
)
def test_option_data(clients, call):
    if_offered(lambda: call(clients.options))
