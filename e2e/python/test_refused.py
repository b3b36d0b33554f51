"""What a scope does not allow is refused, and alpaca-py raises its own exception with the code and the reason."""

import uuid
from datetime import datetime, timedelta, timezone

import pytest
from alpaca.data.requests import (
    CryptoBarsRequest,
    CryptoLatestQuoteRequest,
    StockBarsRequest,
    StockLatestQuoteRequest,
)
from alpaca.data.timeframe import TimeFrame
from alpaca.trading.enums import OrderSide, QueryOrderStatus
from alpaca.trading.requests import ClosePositionRequest, GetOrdersRequest, ReplaceOrderRequest

from test_allowed import market, resting

# The stable numbers of Paddock's refusals.
FROZEN = 40390001
NETWORK_NOT_ALLOWED = 40390003
OPERATION_NOT_ALLOWED = 40390004
SYMBOL_NOT_ALLOWED = 40390006
SIDE_NOT_ALLOWED = 40390008
ORDER_TYPE_NOT_ALLOWED = 40390009
ORDER_NOTIONAL_EXCEEDED = 40390010
DAILY_NOTIONAL_EXCEEDED = 40390011
DAILY_ORDERS_EXCEEDED = 40390012


@pytest.fixture(scope="module")
def settings_reader(clients_for):
    """May read the account's settings, and nothing else."""
    return clients_for("--allow", "getAccountConfig")


SOME_ID = str(uuid.uuid4())
START = datetime.now(timezone.utc) - timedelta(days=10)
STOCK_BARS = StockBarsRequest(symbol_or_symbols="AAPL", timeframe=TimeFrame.Day, start=START)
CRYPTO_BARS = CryptoBarsRequest(symbol_or_symbols="BTC/USD", timeframe=TimeFrame.Day, start=START)
CALLS = {
    "getAccount": lambda c: c.trading.get_account(),
    "get-v2-assets-symbol_or_asset_id": lambda c: c.trading.get_asset("AAPL"),
    "LegacyClock": lambda c: c.trading.get_clock(),
    "LegacyCalendar": lambda c: c.trading.get_calendar(),
    "StockBars": lambda c: c.stocks.get_stock_bars(STOCK_BARS),
    "StockLatestQuotes": lambda c: c.stocks.get_stock_latest_quote(StockLatestQuoteRequest(symbol_or_symbols="AAPL")),
    "CryptoBars": lambda c: c.crypto.get_crypto_bars(CRYPTO_BARS),
    "CryptoLatestQuotes": lambda c: c.crypto.get_crypto_latest_quote(
        CryptoLatestQuoteRequest(symbol_or_symbols="BTC/USD")
    ),
    "postOrder": lambda c: c.trading.submit_order(market("AAPL", 1)),
    "getOrderByOrderID": lambda c: c.trading.get_order_by_id(SOME_ID),
    "getOrderByClientOrderId": lambda c: c.trading.get_order_by_client_id("mine"),
    "getAllOrders": lambda c: c.trading.get_orders(),
    "patchOrderByOrderId": lambda c: c.trading.replace_order_by_id(SOME_ID, ReplaceOrderRequest(qty=2)),
    "deleteOrderByOrderID": lambda c: c.trading.cancel_order_by_id(SOME_ID),
    "deleteAllOrders": lambda c: c.trading.cancel_orders(),
    "getAllOpenPositions": lambda c: c.trading.get_all_positions(),
    "getOpenPosition": lambda c: c.trading.get_open_position("AAPL"),
    "deleteOpenPosition": lambda c: c.trading.close_position("AAPL"),
    "deleteAllOpenPositions": lambda c: c.trading.close_all_positions(),
}


@pytest.mark.parametrize("operation", CALLS)
def test_operation_outside_the_scope(settings_reader, refused, operation):
    refused(lambda: CALLS[operation](settings_reader), OPERATION_NOT_ALLOWED, operation)


def test_the_one_allowed_operation_passes(settings_reader):
    assert settings_reader.trading.get_account_configurations().suspend_trade is False


def test_read_only_key_places_nothing(clients_for, refused, flat):
    reader = clients_for("--preset", "read-only")
    assert reader.trading.get_account().status.value == "ACTIVE"
    refused(lambda: reader.trading.submit_order(market("AAPL", 1)), OPERATION_NOT_ALLOWED, "postOrder")
    assert flat.trading.get_orders() == []


def test_data_only_key_sees_no_account(clients_for, refused):
    reader = clients_for("--preset", "data-only")
    assert reader.stocks.get_stock_bars(STOCK_BARS)["AAPL"]
    assert reader.trading.get_clock().is_open
    refused(lambda: reader.trading.get_account(), OPERATION_NOT_ALLOWED, "getAccount")
    refused(lambda: reader.trading.get_all_positions(), OPERATION_NOT_ALLOWED)


def test_symbol(clients_for, refused, flat):
    bot = clients_for("--preset", "trader", "--symbols", "AAPL,KO")
    bot.trading.submit_order(market("AAPL", 1))
    refused(lambda: bot.trading.submit_order(market("MSFT", 1)), SYMBOL_NOT_ALLOWED, "MSFT", "AAPL")
    flat.trading.submit_order(market("MSFT", 1))
    refused(lambda: bot.trading.close_position("MSFT"), SYMBOL_NOT_ALLOWED, "MSFT")
    refused(lambda: bot.trading.close_all_positions(), SYMBOL_NOT_ALLOWED, "MSFT")
    assert {position.symbol for position in flat.trading.get_all_positions()} == {"AAPL", "MSFT"}


def test_a_close_by_asset_id_is_the_order_that_it_is(clients_for, refused, flat):
    bot = clients_for("--preset", "trader", "--symbols", "AAPL")
    flat.trading.submit_order(market("MSFT", 1))
    asset = flat.trading.get_asset("MSFT")
    refused(lambda: bot.trading.close_position(asset.id), SYMBOL_NOT_ALLOWED, "MSFT")


def test_side(clients_for, refused, flat):
    buyer = clients_for("--preset", "trader", "--side", "buy")
    buyer.trading.submit_order(market("AAPL", 1))
    refused(lambda: buyer.trading.submit_order(market("AAPL", 1, OrderSide.SELL)), SIDE_NOT_ALLOWED, "sell")
    refused(lambda: buyer.trading.close_position("AAPL"), SIDE_NOT_ALLOWED, "sell")
    assert flat.trading.get_open_position("AAPL").qty == "1"


def test_order_type(clients_for, refused, flat):
    bot = clients_for("--preset", "trader", "--order-types", "limit")
    bot.trading.submit_order(resting("AAPL"))
    refused(lambda: bot.trading.submit_order(market("AAPL", 1)), ORDER_TYPE_NOT_ALLOWED, "market")


def test_notional_of_one_order(clients_for, refused, flat):
    bot = clients_for("--preset", "trader", "--max-notional", "1000")
    refused(lambda: bot.trading.submit_order(market("AAPL", 100)), ORDER_NOTIONAL_EXCEEDED, "1,000")
    refused(lambda: bot.trading.submit_order(resting("AAPL", 11, 100)), ORDER_NOTIONAL_EXCEEDED, "1,100", "1,000")
    order = bot.trading.submit_order(resting("AAPL", 10, 100))
    refused(
        lambda: bot.trading.replace_order_by_id(order.id, ReplaceOrderRequest(qty=11)),
        ORDER_NOTIONAL_EXCEEDED,
        "1,100",
    )
    [still_open] = flat.trading.get_orders(GetOrdersRequest(status=QueryOrderStatus.OPEN))
    assert (still_open.id, still_open.qty) == (order.id, "10")


def test_notional_of_a_day(clients_for, refused, flat):
    bot = clients_for("--preset", "trader", "--max-daily-notional", "1500")
    bot.trading.submit_order(resting("AAPL", 10, 100))
    refused(lambda: bot.trading.submit_order(resting("AAPL", 6, 100)), DAILY_NOTIONAL_EXCEEDED, "1,500", "1,000")
    bot.trading.submit_order(resting("AAPL", 5, 100))


def test_orders_of_a_day(clients_for, refused, flat):
    bot = clients_for("--preset", "trader", "--max-daily-orders", "2")
    first = bot.trading.submit_order(resting("AAPL"))
    bot.trading.submit_order(resting("AAPL"))
    refused(lambda: bot.trading.submit_order(resting("AAPL")), DAILY_ORDERS_EXCEEDED, "2")
    bot.trading.cancel_order_by_id(first.id)


def test_an_order_that_the_broker_rejects_uses_no_cap(clients_for, flat):
    bot = clients_for("--preset", "trader", "--max-daily-orders", "1")
    with pytest.raises(Exception, match="NOSUCHSYMBOL"):
        bot.trading.submit_order(resting("NOSUCHSYMBOL"))
    bot.trading.submit_order(resting("AAPL"))


def test_network(clients_for, refused):
    elsewhere = clients_for("--preset", "read-only", "--network", "10.0.0.0/8")
    refused(lambda: elsewhere.trading.get_account(), NETWORK_NOT_ALLOWED, "127.0.0.1")


def test_frozen_key_cancels_and_nothing_else(paddock, clients_for, refused, flat):
    bot = clients_for("--preset", "trader")
    order = bot.trading.submit_order(resting("AAPL"))
    paddock.cli("key", "freeze", bot.key.name)
    refused(lambda: bot.trading.get_account(), FROZEN, "frozen")
    refused(lambda: bot.trading.submit_order(resting("AAPL")), FROZEN, "frozen")
    bot.trading.cancel_order_by_id(order.id)
    paddock.cli("key", "unfreeze", bot.key.name)
    bot.trading.submit_order(resting("AAPL"))


def test_everything_frozen(paddock, clients_for, refused, flat):
    bot = clients_for("--preset", "trader")
    paddock.cli("freeze")
    try:
        refused(lambda: bot.trading.submit_order(resting("AAPL")), FROZEN, "frozen")
        refused(lambda: flat.trading.get_account(), FROZEN, "frozen")
        assert bot.trading.cancel_orders() == []
    finally:
        paddock.cli("unfreeze")
    assert bot.trading.get_account().status.value == "ACTIVE"


def test_close_in_part_above_the_cap(clients_for, refused, flat):
    flat.trading.submit_order(market("AAPL", 100))
    bot = clients_for("--preset", "trader", "--max-notional", "1000")
    refused(lambda: bot.trading.close_position("AAPL"), ORDER_NOTIONAL_EXCEEDED, "1,000")
    bot.trading.close_position("AAPL", ClosePositionRequest(qty="1"))
