"""alpaca-py, unmodified, does through the gateway what its access key allows."""

import uuid
from datetime import date, datetime, timedelta, timezone

import pytest
from alpaca.common.exceptions import APIError
from alpaca.data.enums import DataFeed
from alpaca.data.requests import (
    CryptoBarsRequest,
    CryptoLatestQuoteRequest,
    StockBarsRequest,
    StockLatestQuoteRequest,
    StockLatestTradeRequest,
)
from alpaca.data.timeframe import TimeFrame
from alpaca.trading.enums import OrderSide, OrderStatus, QueryOrderStatus, TimeInForce
from alpaca.trading.requests import (
    ClosePositionRequest,
    GetCalendarRequest,
    GetOrdersRequest,
    LimitOrderRequest,
    MarketOrderRequest,
    ReplaceOrderRequest,
)


def market(symbol: str, qty: float, side: OrderSide = OrderSide.BUY, **more) -> MarketOrderRequest:
    return MarketOrderRequest(symbol=symbol, qty=qty, side=side, time_in_force=TimeInForce.DAY, **more)


def resting(symbol: str, qty: float = 1, price: float = 1.5, **more) -> LimitOrderRequest:
    """A buy so far below the market that it stays open."""
    return LimitOrderRequest(
        symbol=symbol, qty=qty, side=OrderSide.BUY, time_in_force=TimeInForce.GTC, limit_price=price, **more
    )


def test_account(paddock, trader):
    account = trader.trading.get_account()
    assert account.account_number == paddock.facts["account_number"]
    assert account.status.value == "ACTIVE"
    assert float(account.equity) > 0


def test_asset(trader):
    asset = trader.trading.get_asset("AAPL")
    assert (asset.symbol, asset.tradable) == ("AAPL", True)
    assert trader.trading.get_asset(asset.id).symbol == "AAPL"


def test_crypto_asset_whose_symbol_has_a_slash(trader):
    assert trader.trading.get_asset("BTC%2FUSD").symbol == "BTC/USD"


def test_clock_is_open_around_the_clock(trader):
    clock = trader.trading.get_clock()
    assert clock.is_open
    assert abs(clock.timestamp - datetime.now(timezone.utc)) < timedelta(minutes=5)
    assert clock.next_close > clock.timestamp


def test_calendar(trader):
    days = trader.trading.get_calendar(GetCalendarRequest(start=date(2025, 1, 6), end=date(2025, 1, 10)))
    # 2025-01-09 was a national day of mourning: the market stayed shut.
    assert [day.date.day for day in days] == [6, 7, 8, 10]


def test_daily_bars(trader):
    start = datetime.now(timezone.utc) - timedelta(days=30)
    bars = trader.stocks.get_stock_bars(
        StockBarsRequest(symbol_or_symbols=["AAPL", "MSFT"], timeframe=TimeFrame.Day, start=start, feed=DataFeed.IEX)
    )
    for symbol in ("AAPL", "MSFT"):
        days = bars[symbol]
        assert len(days) >= 15
        assert all(bar.low <= bar.open <= bar.high and bar.low <= bar.close <= bar.high for bar in days)
        assert [bar.timestamp for bar in days] == sorted(bar.timestamp for bar in days)


def test_minute_bars(trader):
    start = datetime.now(timezone.utc) - timedelta(days=7)
    request = StockBarsRequest(
        symbol_or_symbols="AAPL", timeframe=TimeFrame.Minute, start=start, limit=50, feed=DataFeed.IEX
    )
    assert len(trader.stocks.get_stock_bars(request)["AAPL"]) == 50


def test_latest_quote_and_trade(trader):
    quote = trader.stocks.get_stock_latest_quote(StockLatestQuoteRequest(symbol_or_symbols="AAPL"))["AAPL"]
    trade = trader.stocks.get_stock_latest_trade(StockLatestTradeRequest(symbol_or_symbols="AAPL"))["AAPL"]
    assert 0 < quote.bid_price <= quote.ask_price
    assert trade.price > 0


def test_crypto_data(trader):
    quote = trader.crypto.get_crypto_latest_quote(CryptoLatestQuoteRequest(symbol_or_symbols="BTC/USD"))["BTC/USD"]
    assert 0 < quote.bid_price <= quote.ask_price
    start = datetime.now(timezone.utc) - timedelta(days=5)
    request = CryptoBarsRequest(symbol_or_symbols="BTC/USD", timeframe=TimeFrame.Day, start=start)
    assert len(trader.crypto.get_crypto_bars(request)["BTC/USD"]) >= 3


def test_market_order_fills_and_is_found_again(flat):
    client_id = f"py-{uuid.uuid4()}"
    placed = flat.trading.submit_order(market("AAPL", 2, client_order_id=client_id))
    assert placed.client_order_id == client_id

    order = flat.trading.get_order_by_id(placed.id)
    assert order.status is OrderStatus.FILLED
    assert (order.filled_qty, order.symbol) == ("2", "AAPL")
    assert float(order.filled_avg_price) > 0
    assert flat.trading.get_order_by_client_id(client_id).id == placed.id
    closed = flat.trading.get_orders(GetOrdersRequest(status=QueryOrderStatus.CLOSED, symbols=["AAPL"], limit=10))
    assert placed.id in [order.id for order in closed]

    position = flat.trading.get_open_position("AAPL")
    assert position.qty == "2"


def test_notional_order(flat):
    placed = flat.trading.submit_order(
        MarketOrderRequest(symbol="AAPL", notional=50, side=OrderSide.BUY, time_in_force=TimeInForce.DAY)
    )
    assert float(flat.trading.get_order_by_id(placed.id).filled_qty) > 0


def test_crypto_order(flat):
    order = flat.trading.submit_order(
        MarketOrderRequest(symbol="BTC/USD", qty=0.01, side=OrderSide.BUY, time_in_force=TimeInForce.GTC)
    )
    assert flat.trading.get_order_by_id(order.id).status is OrderStatus.FILLED
    assert "BTCUSD" in [position.symbol for position in flat.trading.get_all_positions()]


def test_resting_order_is_replaced_and_canceled(flat):
    placed = flat.trading.submit_order(resting("AAPL", qty=1))
    open_orders = flat.trading.get_orders(GetOrdersRequest(status=QueryOrderStatus.OPEN))
    assert [order.id for order in open_orders] == [placed.id]

    replaced = flat.trading.replace_order_by_id(placed.id, ReplaceOrderRequest(qty=3, limit_price=1.25))
    assert replaced.id != placed.id
    assert replaced.replaces == placed.id
    assert (replaced.qty, float(replaced.limit_price)) == ("3", 1.25)
    assert flat.trading.get_order_by_id(placed.id).status is OrderStatus.REPLACED

    flat.trading.cancel_order_by_id(replaced.id)
    assert flat.trading.get_order_by_id(replaced.id).status is OrderStatus.CANCELED


def test_all_orders_are_canceled(flat):
    ids = {flat.trading.submit_order(resting(symbol)).id for symbol in ("AAPL", "MSFT")}
    canceled = flat.trading.cancel_orders()
    assert {answer.id for answer in canceled} == ids
    assert {answer.status for answer in canceled} == {200}
    assert flat.trading.get_orders(GetOrdersRequest(status=QueryOrderStatus.OPEN)) == []


def test_one_position_is_closed_in_part_and_whole(flat):
    flat.trading.submit_order(market("AAPL", 4))
    flat.trading.submit_order(market("MSFT", 1))
    assert {position.symbol for position in flat.trading.get_all_positions()} == {"AAPL", "MSFT"}

    order = flat.trading.close_position("AAPL", ClosePositionRequest(qty="1"))
    assert (order.side, order.qty) == (OrderSide.SELL, "1")
    assert flat.trading.get_open_position("AAPL").qty == "3"
    flat.trading.close_position("AAPL")
    assert [position.symbol for position in flat.trading.get_all_positions()] == ["MSFT"]


def test_all_positions_are_closed(flat):
    for symbol in ("AAPL", "MSFT"):
        flat.trading.submit_order(market(symbol, 1))
    answers = flat.trading.close_all_positions(cancel_orders=True)
    assert {(answer.symbol, answer.status) for answer in answers} == {("AAPL", 200), ("MSFT", 200)}
    assert flat.trading.get_all_positions() == []


def test_errors_of_the_broker_pass_unchanged(trader):
    with pytest.raises(APIError) as caught:
        trader.trading.get_open_position("KO")
    assert (caught.value.status_code, caught.value.code) == (404, 40410000)
    assert caught.value.message == "position does not exist"
    with pytest.raises(APIError) as caught:
        trader.trading.submit_order(market("NOSUCHSYMBOL", 1))
    assert (caught.value.status_code, caught.value.code) == (422, 42210000)


def test_client_order_ids_are_unique(flat):
    client_id = f"py-{uuid.uuid4()}"
    flat.trading.submit_order(resting("AAPL", client_order_id=client_id))
    with pytest.raises(APIError) as caught:
        flat.trading.submit_order(resting("AAPL", client_order_id=client_id))
    assert (caught.value.status_code, caught.value.message) == (422, "client_order_id must be unique")
