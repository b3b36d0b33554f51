"""Orders that wait for a person, as unmodified alpaca-py sees them."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from alpaca.common.exceptions import APIError

from test_allowed import market, resting

REQUIRED = 40390040
DENIED = 40390041
EXPIRED = 40390042
PATIENCE = 60


@pytest.fixture
def watched(clients_for):
    return lambda *options: clients_for("--preset", "trader", "--approval-over", "1000", *options)


def held(bot, order) -> str:
    """Sends an order that must be held; the approval's identifier, from what the program is told."""
    with pytest.raises(APIError) as caught:
        bot.trading.submit_order(order)
    error = caught.value
    assert (error.status_code, error.code) == (403, REQUIRED), error
    assert "held as approval" in error.message
    return error.message.split("held as approval ")[1].split()[0]


def waiting(paddock, bot) -> str:
    """The identifier of the bot's held order, as soon as there is one."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        for one in paddock.cli("approval", "list"):
            if one["key_name"] == bot.key.name:
                return one["id"]
    raise AssertionError("nothing was held")


def test_an_order_over_the_threshold_is_held_and_sent_when_a_person_approves(paddock, watched, flat):
    bot = watched()
    bot.trading.submit_order(resting("AAPL", 10, 100))
    approval = held(bot, resting("AAPL", 11, 100))
    assert {order.qty for order in flat.trading.get_orders()} == {"10"}
    shown = paddock.cli("approval", "show", approval)
    assert (shown["state"], shown["notional"]) == ("pending", "1100")
    approved = paddock.cli("approval", "approve", approval, "--reason", "as discussed", "--by", "anna")
    assert (approved["state"], approved["ended_by"], approved["answer_status"]) == ("approved", "anna", 200)
    orders = {order.id: order.qty for order in bot.trading.get_orders()}
    assert sorted(orders.values()) == ["10", "11"]
    assert approved["order_id"] in {str(order) for order in orders}
    again = paddock.run("approval", "approve", approval)
    assert again.returncode != 0 and "approved already" in again.stderr
    assert len(bot.trading.get_orders()) == 2


def test_a_denied_order_is_not_sent(paddock, watched, flat):
    bot = watched()
    approval = held(bot, resting("AAPL", 11, 100))
    assert paddock.cli("approval", "deny", approval)["state"] == "denied"
    assert paddock.run("approval", "approve", approval).returncode != 0
    assert flat.trading.get_orders() == []


@pytest.mark.parametrize("answer", ["approve", "deny"])
def test_a_program_that_waits(paddock, watched, flat, answer):
    bot = watched("--approval-wait", "60")
    with ThreadPoolExecutor(1) as pool:
        program = pool.submit(bot.trading.submit_order, resting("AAPL", 11, 100))
        approval = waiting(paddock, bot)
        paddock.cli("approval", answer, approval, "--reason", "because")
        if answer == "approve":
            assert program.result(PATIENCE).qty == "11"
            assert len(flat.trading.get_orders()) == 1
        else:
            error = program.exception(PATIENCE)
            assert (error.status_code, error.code) == (403, DENIED)
            assert "because" in error.message
            assert flat.trading.get_orders() == []


def test_nobody_answers_in_time(paddock, watched, flat):
    bot = watched("--approval-wait", "60", "--approval-expiry", "10")
    with pytest.raises(APIError) as caught:
        bot.trading.submit_order(resting("AAPL", 11, 100))
    assert (caught.value.status_code, caught.value.code) == (403, EXPIRED)
    assert paddock.run("approval", "approve", caught.value.message.split()[3]).returncode != 0
    assert flat.trading.get_orders() == []


def test_a_frozen_key_has_nothing_waiting(paddock, watched, flat):
    bot = watched()
    approval = held(bot, resting("AAPL", 11, 100))
    paddock.cli("key", "freeze", bot.key.name)
    paddock.cli("key", "unfreeze", bot.key.name)
    assert paddock.cli("approval", "show", approval)["state"] == "void"
    refused = paddock.run("approval", "approve", approval)
    assert refused.returncode != 0 and "frozen" in refused.stderr
    assert flat.trading.get_orders() == []


def test_a_market_that_has_moved(paddock, watched, flat):
    """The demo's market moves by itself; with no room at all the next quote is outside."""
    bot = watched("--approval-price-band", "0.000000001")
    order = '{"symbol":"AAPL","qty":"100","side":"buy","type":"market","time_in_force":"day"}'
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        approval = held(bot, market("AAPL", 100))
        then = paddock.cli("approval", "show", approval)["market_price"]
        while paddock.cli("key", "explain", bot.key.name, "--order", order)["market_price"] == then:
            assert time.monotonic() < deadline, "the market stood still"
        refused = paddock.run("approval", "approve", approval)
        if refused.returncode == 0:
            # The market had come back to where it was, which it does not do each time.
            flat.trading.close_all_positions(cancel_orders=True)
            continue
        assert "was not sent" in refused.stderr
        assert paddock.cli("approval", "show", approval)["state"] == "refused"
        assert flat.trading.get_all_positions() == []
        return
    pytest.fail("none was refused although the market had moved")


def test_explain_says_that_it_would_be_held(paddock, watched):
    bot = watched()
    order = '{"symbol":"AAPL","qty":"100","side":"buy","type":"limit","limit_price":"100","time_in_force":"day"}'
    assert "it would be held for approval" in paddock.run("key", "explain", bot.key.name, "--order", order).stdout
