"""Market data: stocks, crypto and news, also through the client for asyncio."""

import asyncio
from datetime import datetime, timedelta, timezone

import pytest
from alpaca_trade_api import TimeFrame
from alpaca_trade_api.rest import APIError

STOCKS, PAIRS = ["AAPL", "MSFT"], ["BTC/USD", "ETH/USD"]


def ago(**span) -> str:
    return (datetime.now(timezone.utc) - timedelta(**span)).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_stock_bars(client):
    bars = client.api.get_bars(STOCKS, TimeFrame.Day, ago(days=20), ago(days=1), adjustment="all", feed="iex")
    assert {bar.S for bar in bars} == set(STOCKS)
    assert all(bar.l <= bar.o <= bar.h for bar in bars)
    assert len(bars.df) == len(bars)
    one = client.api.get_bars_iter("AAPL", TimeFrame.Hour, ago(days=20), ago(days=1), limit=30)
    assert len(one) == 30


def test_stock_trades_and_quotes(client):
    span = {"start": ago(days=7), "end": ago(days=1), "limit": 100}
    assert len(client.api.get_trades(STOCKS, **span)) == len(client.api.get_trades_iter("AAPL", **span)) == 100
    quotes = client.api.get_quotes("AAPL", **span)
    assert len(quotes) == 100 and all(0 < quote.bp <= quote.ap for quote in quotes)
    assert len(client.api.get_quotes_iter(STOCKS, **span)) == 100


def test_latest_of_stocks(client):
    assert client.api.get_latest_bar("AAPL").c > 0
    assert client.api.get_latest_trade("AAPL").p > 0
    assert client.api.get_latest_quote("AAPL").ap > 0
    for latest in (client.api.get_latest_bars, client.api.get_latest_trades, client.api.get_latest_quotes):
        assert set(latest(STOCKS)) == set(STOCKS)
    assert client.api.get_snapshot("AAPL").latest_trade.p > 0
    snapshots = client.api.get_snapshots(STOCKS)
    assert set(snapshots) == set(STOCKS) and snapshots["MSFT"].daily_bar.v > 0


def test_crypto(client):
    span = {"start": ago(days=3), "limit": 50}
    assert len(client.api.get_crypto_bars(PAIRS, TimeFrame.Hour, **span)) == 50
    assert len(client.api.get_crypto_bars_iter("BTC/USD", TimeFrame.Hour, **span)) == 50
    assert len(client.api.get_crypto_trades(PAIRS, **span)) == len(client.api.get_crypto_trades_iter(PAIRS, **span)) == 50
    assert len(client.api.get_crypto_quotes(PAIRS, **span)) == len(client.api.get_crypto_quotes_iter(PAIRS, **span)) == 50


def test_latest_of_crypto(client):
    api = client.api
    for latest in (
        api.get_latest_crypto_bars,
        api.get_latest_crypto_trades,
        api.get_latest_crypto_quotes,
        api.get_latest_crypto_orderbooks,
        api.get_crypto_snapshots,
    ):
        assert set(latest(PAIRS)) == set(PAIRS)
    assert set(api.get_crypto_snapshot("BTC/USD")) == {"BTC/USD"}
    book = api.get_latest_crypto_orderbook("BTC/USD")["BTC/USD"]
    assert book.bids[0].p < book.asks[0].p


def test_news(client):
    try:
        news = client.api.get_news(STOCKS, limit=5)
        assert 0 < len(news) <= 5 and all(article.headline for article in news)
        assert len(client.api.get_news_iter("AAPL", limit=3)) <= 3
    except APIError as error:
        assert (error.status_code, error.code) == (501, 50110000)
        with pytest.raises(APIError):
            client.api.get_news_iter("AAPL", limit=3)


def test_at_once(client):
    async def all_of_it():
        rest, span = client.at_once, (ago(days=20), ago(days=1))
        _, bars = await rest.get_bars_async("AAPL", *span, "1Day")
        _, trades = await rest.get_trades_async("AAPL", ago(days=7), ago(days=1), limit=100)
        _, quotes = await rest.get_quotes_async("AAPL", ago(days=7), ago(days=1), limit=100)
        _, quote = await rest.get_latest_quote_async("AAPL")
        # This one looks for a quote in its answer and so returns nothing, at Alpaca as well.
        assert await rest.get_latest_trade_async("AAPL") is None
        return bars, trades, quotes, quote

    bars, trades, quotes, quote = asyncio.run(all_of_it())
    assert len(bars) >= 10 and len(trades) >= 100 and len(quotes) >= 100 and quote.ap > 0
