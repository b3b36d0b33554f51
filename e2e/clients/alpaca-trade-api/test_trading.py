"""Account, assets, watchlists, orders and positions."""

import uuid

import pytest
from alpaca_trade_api import REST
from alpaca_trade_api.rest import APIError

RESTING = {"symbol": "AAPL", "qty": 1, "side": "buy", "type": "limit", "limit_price": "1.5", "time_in_force": "gtc"}


def test_account(client):
    account = client.api.get_account()
    assert (account.account_number, account.status, account.cash) == (client.account.number, "ACTIVE", "100000")
    history = client.api.get_portfolio_history(period="1W", timeframe="1D")
    assert len(history.equity) == len(history.timestamp)
    assert len(history.df) == len(history.equity)


def test_configuration(api):
    # Alpaca has retired `dtbp_check`; the client goes on sending it.
    changed = api.update_account_configurations(no_shorting=True, dtbp_check="both", trade_confirm_email="none")
    assert changed.no_shorting and changed.trade_confirm_email == "none"
    assert api.get_account_configurations().no_shorting


def test_clock_and_calendar(client):
    clock = client.api.get_clock()
    assert clock.is_open and clock.next_close > clock.timestamp
    days = client.api.get_calendar("2025-01-06", "2025-01-10")
    assert [day.date.day for day in days] == [6, 7, 8, 10]


def test_assets(client):
    asset = client.api.get_asset("AAPL")
    assert (asset.symbol, asset.tradable) == ("AAPL", True)
    assert "BTC/USD" in {asset.symbol for asset in client.api.list_assets(status="active", asset_class="crypto")}


def test_watchlists(api, refused):
    made = api.create_watchlist("tech", ["AAPL"])
    symbols = lambda watchlist: [asset["symbol"] for asset in watchlist.assets]
    assert [watchlist.id for watchlist in api.get_watchlists()] == [made.id]
    assert symbols(api.add_to_watchlist(made.id, "MSFT")) == ["AAPL", "MSFT"]
    api.delete_from_watchlist(made.id, "AAPL")
    assert symbols(api.get_watchlist(made.id)) == symbols(api.get_watchlist_by_name("tech")) == ["MSFT"]
    assert symbols(api.update_watchlist(made.id, name="one", symbols=["IBM"])) == ["IBM"]
    api.delete_watchlist(made.id)
    refused(lambda: api.get_watchlist(made.id), 404, 40410000)


@pytest.mark.parametrize(
    "order",
    [
        {"symbol": "AAPL", "qty": 2},
        {"symbol": "AAPL", "qty": 0.5},
        {"symbol": "AAPL", "notional": 50},
        {"symbol": "BTCUSD", "qty": 0.01, "time_in_force": "gtc"},
        {"symbol": "AAPL", "qty": 1, "type": "limit", "limit_price": "2000", "time_in_force": "ioc"},
    ],
)
def test_orders_that_meet_the_market_are_filled(api, order):
    placed = api.submit_order(**order)
    filled = api.get_order(placed.id)
    assert filled.status == "filled" and float(filled.filled_avg_price) > 0


@pytest.mark.parametrize(
    "order",
    [
        RESTING,
        {"symbol": "AAPL", "qty": 1, "type": "stop", "stop_price": "2000", "time_in_force": "gtc"},
        {"symbol": "AAPL", "qty": 1, "type": "stop_limit", "stop_price": "2000", "limit_price": "2000.5"},
        {"symbol": "AAPL", "qty": 1, "type": "trailing_stop", "trail_percent": "50"},
        {"symbol": "AAPL", "qty": 1, "type": "limit", "limit_price": "1.5", "extended_hours": True},
    ],
)
def test_orders_that_wait_are_new_until_they_are_canceled(api, order):
    placed = api.submit_order(**order)
    assert api.get_order(placed.id).status == "new"
    api.cancel_order(placed.id)
    assert api.get_order(placed.id).status == "canceled"


def test_bracket(api):
    exits = {"take_profit": {"limit_price": "2000"}, "stop_loss": {"stop_price": "1.5", "limit_price": "1.25"}}
    placed = api.submit_order("AAPL", 2, order_class="bracket", **exits)
    assert len(placed.legs) == 2
    nested = api.list_orders(status="all", nested=True, symbols=["AAPL"], direction="asc", limit=10)
    assert [leg.status for leg in nested[0].legs] == ["new", "held"]


def test_an_order_is_found_replaced_and_canceled(api, refused):
    known_as = f"old-{uuid.uuid4()}"
    placed = api.submit_order(**RESTING, client_order_id=known_as)
    assert api.get_order_by_client_order_id(known_as).id == placed.id
    replaced = api.replace_order(placed.id, qty=3, limit_price="1.25")
    assert (replaced.replaces, replaced.qty) == (placed.id, "3")
    api.cancel_all_orders()
    assert api.get_order(replaced.id).status == "canceled"
    refused(lambda: api.cancel_order(replaced.id), 422, 42210000)
    refused(lambda: api.submit_order(**RESTING, client_order_id=known_as), 422, 40010001, "must be unique")


def test_positions_and_activities(api, refused):
    for symbol in ("AAPL", "MSFT"):
        api.submit_order(symbol, 4)
    assert {position.symbol for position in api.list_positions()} == {"AAPL", "MSFT"}
    assert api.close_position("AAPL", qty=1).side == "sell"
    assert api.get_position("AAPL").qty == "3"
    api.close_all_positions()
    assert api.list_positions() == []
    refused(lambda: api.get_position("AAPL"), 404, 40410000)
    fills = api.get_activities(activity_types="FILL", direction="asc", page_size=50)
    assert [fill.side for fill in fills] == ["buy", "buy", "sell", "sell", "sell"]
    assert [fill.id for fill in api.get_activities(["FILL", "FEE"])] == [fill.id for fill in reversed(fills)]


def test_refusals(api, refused):
    refused(lambda: api.submit_order("NOSUCHSYMBOL", 1), 422, 42210000, "not found")
    refused(lambda: api.submit_order("AAPL", 100_000_000), 403, 40310000, "insufficient buying power")


def test_any_request_by_hand(client, api):
    assert client.api.get("/account")["account_number"] == client.account.number
    assert client.api.data_get("/stocks/AAPL/snapshot", api_version="v2")["symbol"] == "AAPL"
    placed = api.post("/orders", RESTING)
    replaced = api.patch(f"/orders/{placed['id']}", {"qty": 2})
    api.delete(f"/orders/{replaced['id']}")
    made = api.post("/watchlists", {"name": "by hand"})
    assert api.put(f"/watchlists/{made['id']}", {"name": "by hand still"})["name"] == "by hand still"


def test_a_wrong_pair_is_unauthorized(client, surface):
    wrong = surface.wrap(REST(client.account.key_id, "wrong", client.account.url))
    with pytest.raises(APIError, match="unauthorized") as caught:
        wrong.get_account()
    assert caught.value.status_code == 401
    wrong.close()
