"""Orders of every kind, and positions."""

import uuid

import pytest
from alpaca.trading.enums import (
    OrderClass,
    OrderSide,
    OrderStatus,
    OrderType,
    PositionIntent,
    QueryOrderStatus,
    TimeInForce,
)
from alpaca.trading.requests import (
    ClosePositionRequest,
    GetOrderByIdRequest,
    GetOrdersRequest,
    LimitOrderRequest,
    MarketOrderRequest,
    OptionLegRequest,
    ReplaceOrderRequest,
    StopLimitOrderRequest,
    StopLossRequest,
    StopOrderRequest,
    TakeProfitRequest,
    TrailingStopOrderRequest,
)

BUY, SELL, DAY, GTC = OrderSide.BUY, OrderSide.SELL, TimeInForce.DAY, TimeInForce.GTC


def market(symbol: str, side: OrderSide = BUY, **more) -> MarketOrderRequest:
    return MarketOrderRequest(**{"symbol": symbol, "side": side, "time_in_force": DAY, **more})


def resting(symbol: str = "AAPL", **more) -> LimitOrderRequest:
    """A buy so far below the market that it stays open."""
    return LimitOrderRequest(
        **{"symbol": symbol, "side": BUY, "time_in_force": GTC, "qty": 1, "limit_price": 1.5, **more}
    )


def status(client, order) -> OrderStatus:
    return client.get_order_by_id(order.id).status


@pytest.mark.parametrize(
    "order",
    [
        market("AAPL", qty=2),
        market("AAPL", qty=0.5),
        market("AAPL", notional=50),
        market("BTC/USD", qty=0.01, time_in_force=GTC),
        market("ETH/USD", notional=100, time_in_force=TimeInForce.IOC),
        market("AAPL", qty=1, time_in_force=TimeInForce.FOK),
        LimitOrderRequest(symbol="AAPL", qty=1, side=BUY, time_in_force=TimeInForce.IOC, limit_price=2_000),
        LimitOrderRequest(symbol="AAPL", qty=1, side=BUY, time_in_force=DAY, limit_price=2_000, extended_hours=True),
    ],
)
def test_orders_that_meet_the_market_are_filled(trader, order):
    placed = trader.trading.submit_order(order)
    filled = trader.trading.get_order_by_id(placed.id)
    assert filled.status is OrderStatus.FILLED
    assert float(filled.filled_qty) > 0 and float(filled.filled_avg_price) > 0


@pytest.mark.parametrize(
    "order",
    [
        resting(),
        resting("BTC/USD", qty=1, limit_price=15),
        StopOrderRequest(symbol="AAPL", qty=1, side=BUY, time_in_force=GTC, stop_price=2_000),
        StopLimitOrderRequest(symbol="AAPL", qty=1, side=BUY, time_in_force=DAY, stop_price=2_000, limit_price=2_000.5),
        TrailingStopOrderRequest(symbol="AAPL", qty=1, side=BUY, time_in_force=GTC, trail_percent=50),
        TrailingStopOrderRequest(symbol="AAPL", qty=1, side=BUY, time_in_force=DAY, trail_price=500),
    ],
)
def test_orders_that_wait_are_new_until_they_are_canceled(trader, order):
    placed = trader.trading.submit_order(order)
    assert status(trader.trading, placed) is OrderStatus.NEW
    trader.trading.cancel_order_by_id(placed.id)
    assert status(trader.trading, placed) is OrderStatus.CANCELED


def test_bracket(trader):
    entry = trader.trading.submit_order(
        market(
            "AAPL",
            qty=3,
            order_class=OrderClass.BRACKET,
            take_profit=TakeProfitRequest(limit_price=2_000),
            stop_loss=StopLossRequest(stop_price=1.5, limit_price=1.25),
        )
    )
    seen = trader.trading.get_order_by_id(entry.id, GetOrderByIdRequest(nested=True))
    assert seen.status is OrderStatus.FILLED
    assert {(leg.type, leg.status) for leg in seen.legs} == {
        (OrderType.LIMIT, OrderStatus.NEW),
        (OrderType.STOP_LIMIT, OrderStatus.HELD),
    }
    trader.trading.cancel_order_by_id(seen.legs[0].id)
    assert {status(trader.trading, leg) for leg in seen.legs} == {OrderStatus.CANCELED}


def test_one_cancels_other_and_one_triggers_other(trader):
    oto = trader.trading.submit_order(
        market("AAPL", qty=2, order_class=OrderClass.OTO, stop_loss=StopLossRequest(stop_price=1.5))
    )
    assert [leg.type for leg in oto.legs] == [OrderType.STOP]
    assert status(trader.trading, oto.legs[0]) is OrderStatus.NEW
    trader.trading.cancel_order_by_id(oto.legs[0].id)
    oco = trader.trading.submit_order(
        LimitOrderRequest(
            symbol="AAPL",
            qty=2,
            side=SELL,
            time_in_force=GTC,
            order_class=OrderClass.OCO,
            take_profit=TakeProfitRequest(limit_price=2_000),
            stop_loss=StopLossRequest(stop_price=1.5),
        )
    )
    assert oco.order_class is OrderClass.OCO
    assert status(trader.trading, oco) is OrderStatus.NEW


def test_an_order_is_found_again(trader):
    known_as = f"py-{uuid.uuid4()}"
    placed = trader.trading.submit_order(resting(client_order_id=known_as))
    assert trader.trading.get_order_by_client_id(known_as).id == placed.id
    wanted = GetOrdersRequest(status=QueryOrderStatus.OPEN, symbols=["AAPL"], side=BUY, limit=5, nested=True)
    assert [order.id for order in trader.trading.get_orders(wanted)] == [placed.id]
    assert trader.trading.get_orders(GetOrdersRequest(status=QueryOrderStatus.CLOSED)) == []


def test_an_order_is_replaced(trader):
    placed = trader.trading.submit_order(resting())
    replaced = trader.trading.replace_order_by_id(placed.id, ReplaceOrderRequest(qty=3, limit_price=1.25))
    assert (replaced.replaces, replaced.qty, float(replaced.limit_price)) == (placed.id, "3", 1.25)
    assert status(trader.trading, placed) is OrderStatus.REPLACED


def test_all_orders_are_canceled(trader):
    placed = {trader.trading.submit_order(resting(symbol)).id for symbol in ("AAPL", "MSFT")}
    answers = trader.trading.cancel_orders()
    assert {(answer.id, answer.status) for answer in answers} == {(order, 200) for order in placed}


def test_positions_are_closed_in_part_and_whole(trader, refused):
    for symbol in ("AAPL", "MSFT", "IBM"):
        trader.trading.submit_order(market(symbol, qty=4))
    assert {position.symbol for position in trader.trading.get_all_positions()} == {"AAPL", "MSFT", "IBM"}
    sold = trader.trading.close_position("AAPL", ClosePositionRequest(qty="1"))
    assert (sold.side, sold.qty) == (SELL, "1")
    trader.trading.close_position("AAPL", ClosePositionRequest(percentage="50"))
    assert float(trader.trading.get_open_position("AAPL").qty) == 1.5
    trader.trading.close_position("AAPL")
    refused(lambda: trader.trading.get_open_position("AAPL"), 404, 40410000)
    answers = trader.trading.close_all_positions(cancel_orders=True)
    assert {(answer.symbol, answer.status) for answer in answers} == {("MSFT", 200), ("IBM", 200)}
    assert trader.trading.get_all_positions() == []


def test_a_short_sale(trader):
    trader.trading.submit_order(market("AAPL", SELL, qty=2, position_intent=PositionIntent.SELL_TO_OPEN))
    position = trader.trading.get_open_position("AAPL")
    assert (position.side.value, position.qty) == ("short", "-2")


def test_refusals(trader, refused):
    submit = trader.trading.submit_order
    refused(lambda: submit(market("NOSUCHSYMBOL", qty=1)), 422, 42210000, "not found")
    refused(lambda: submit(market("AAPL", qty=100_000_000)), 403, 40310000, "insufficient buying power")
    refused(lambda: submit(market("BTC/USD", SELL, qty=1, time_in_force=GTC)), 403, 40310000, "insufficient balance")
    refused(lambda: submit(market("BTC/USD", qty=1)), 422, 42210000, "invalid crypto time_in_force")
    known_as = f"py-{uuid.uuid4()}"
    placed = submit(resting(client_order_id=known_as))
    refused(lambda: submit(resting(client_order_id=known_as)), 422, 40010001, "client_order_id must be unique")
    refused(lambda: submit(market("AAPL", SELL, qty=1)), 403, 40310000, "cannot open a short sell")
    submit(market("MSFT", qty=1))
    submit(resting("MSFT"))
    refused(lambda: submit(market("MSFT", SELL, qty=1)), 403, 40310000, "wash trade")
    trader.trading.cancel_order_by_id(placed.id)
    refused(lambda: trader.trading.cancel_order_by_id(placed.id), 422, 42210000, "already")
    refused(lambda: trader.trading.get_order_by_id(uuid.uuid4()), 404, 40410000, "order not found")


def test_options_are_refused_clearly(trader, refused):
    spread = MarketOrderRequest(
        qty=1,
        time_in_force=DAY,
        order_class=OrderClass.MLEG,
        legs=[
            OptionLegRequest(symbol="AAPL271217C00200000", ratio_qty=1, side=BUY),
            OptionLegRequest(symbol="AAPL271217C00210000", ratio_qty=1, side=SELL),
        ],
    )
    refused(lambda: trader.trading.submit_order(spread), 422, 42210000)
    refused(lambda: trader.trading.submit_order(market("AAPL271217C00200000", qty=1)), 422, 42210000)
    refused(lambda: trader.trading.exercise_options_position("AAPL271217C00200000"), 403, 40310000)
