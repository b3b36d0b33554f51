"""Two programs on one account, each with a key that sees only its own orders, as unmodified alpaca-py."""

import queue
import time

import pytest
from alpaca.common.exceptions import APIError
from alpaca.trading.enums import OrderSide, QueryOrderStatus, TimeInForce, TradeEvent
from alpaca.trading.requests import GetOrdersRequest, LimitOrderRequest, MarketOrderRequest, ReplaceOrderRequest
from alpaca.trading.stream import TradingStream

from test_gateway_streams import PATIENCE, Program, address

OWN = ("--preset", "trader", "--only-own-orders")


def resting(symbol: str) -> LimitOrderRequest:
    return LimitOrderRequest(symbol=symbol, qty=1, side=OrderSide.BUY, time_in_force=TimeInForce.GTC, limit_price=1)


@pytest.fixture
def pair_of_programs(clients_for, flat):
    return clients_for(*OWN), clients_for(*OWN)


def test_each_sees_changes_and_cancels_only_its_own(pair_of_programs, flat):
    one, other = pair_of_programs
    mine, foreign = one.trading.submit_order(resting("AAPL")), other.trading.submit_order(resting("MSFT"))
    assert [order.id for order in one.trading.get_orders()] == [mine.id]
    assert [order.id for order in other.trading.get_orders()] == [foreign.id]
    assert {order.id for order in flat.trading.get_orders()} >= {mine.id, foreign.id}
    for call in (
        lambda: one.trading.get_order_by_id(foreign.id),
        lambda: one.trading.get_order_by_client_id(foreign.client_order_id),
        lambda: one.trading.cancel_order_by_id(foreign.id),
        lambda: one.trading.replace_order_by_id(foreign.id, ReplaceOrderRequest(limit_price=2)),
    ):
        with pytest.raises(APIError) as caught:
            call()
        assert (caught.value.status_code, caught.value.code) == (404, 40410000)
    replaced = one.trading.replace_order_by_id(mine.id, ReplaceOrderRequest(limit_price=2))
    assert one.trading.get_order_by_id(replaced.id).replaces == mine.id
    canceled = one.trading.cancel_orders()
    assert [(answer.id, answer.status) for answer in canceled] == [(replaced.id, 200)]
    assert one.trading.get_orders() == []
    assert [order.id for order in other.trading.get_orders()] == [foreign.id]
    every = GetOrdersRequest(status=QueryOrderStatus.ALL)
    assert {order.id for order in one.trading.get_orders(every)} == {mine.id, replaced.id}


def test_closing_all_positions_with_the_orders_of_others_is_refused(pair_of_programs, refused):
    one, _ = pair_of_programs
    refused(lambda: one.trading.close_all_positions(cancel_orders=True), 40390061, "cancel_orders")


def test_each_hears_of_its_own_orders_only(paddock, pair_of_programs):
    programs = []
    for clients in pair_of_programs:
        stream = TradingStream(clients.key.key_id, clients.key.secret_key, url_override=address(paddock, "/stream"))
        program = Program(stream)
        stream.subscribe_trade_updates(program.hear)
        program.start()
        programs.append((program, clients))
    # alpaca-py does not say when it listens: orders that rest are placed anew until both have heard of one.
    placed = {id(clients): set() for _, clients in programs}
    deaf, deadline = list(programs), time.monotonic() + PATIENCE
    while deaf:
        assert time.monotonic() < deadline, "a stream never listened"
        for _, clients in programs:
            order = clients.trading.submit_order(resting("AAPL"))
            placed[id(clients)].add(order.id)
            clients.trading.cancel_order_by_id(order.id)
        for program, clients in list(deaf):
            try:
                assert program.heard.get(timeout=1).order.id in placed[id(clients)]
                deaf.remove((program, clients))
            except queue.Empty:
                pass
    for program, clients in programs:
        order = clients.trading.submit_order(
            MarketOrderRequest(symbol="AAPL", qty=1, side=OrderSide.BUY, time_in_force=TimeInForce.DAY)
        )
        placed[id(clients)].add(order.id)
        while True:
            update = program.heard.get(timeout=PATIENCE)
            assert update.order.id in placed[id(clients)], "an update of the other program's order"
            if update.order.id == order.id and update.event == TradeEvent.FILL:
                break
    for program, _ in programs:
        program.stop()


def test_what_a_change_would_allow_is_said_before_it_is_made(paddock, clients_for):
    key = clients_for("--preset", "trader", "--only-own-orders", "--symbols", "AAPL").key
    change = ("--no-only-own-orders", "--symbols", "AAPL,MSFT")
    compared = paddock.cli("key", "diff", key.name, *change)
    assert {said["limit"] for said in compared["allows"]} == {"only_own_orders", "symbols"}
    assert compared["forbids"] == []
    edited = paddock.cli("key", "edit", key.name, *change)
    assert edited["key"]["scope"] == compared["new_scope"]
