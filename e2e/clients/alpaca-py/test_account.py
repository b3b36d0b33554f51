"""Account, configuration, clock, calendar, assets and watchlists."""

from datetime import date, timedelta

import pytest
from alpaca.common.exceptions import APIError
from alpaca.trading.enums import AssetClass, CorporateActionDateType, CorporateActionType
from alpaca.trading.models import AccountConfiguration
from alpaca.trading.requests import (
    CreateWatchlistRequest,
    GetAssetsRequest,
    GetCalendarRequest,
    GetCorporateAnnouncementsRequest,
    GetPortfolioHistoryRequest,
    UpdateWatchlistRequest,
)


def test_account(clients):
    account = clients.trading.get_account()
    assert account.account_number == clients.account.number
    assert (account.status.value, account.cash, account.multiplier) == ("ACTIVE", "100000", "4")


def test_configuration_is_changed_and_kept(trader):
    before = trader.trading.get_account_configurations()
    assert not before.no_shorting
    changed = AccountConfiguration(**{**before.model_dump(), "no_shorting": True})
    assert trader.trading.set_account_configurations(changed).no_shorting
    assert trader.trading.get_account_configurations().no_shorting


def test_portfolio_history(clients):
    history = clients.trading.get_portfolio_history(GetPortfolioHistoryRequest(period="1W", timeframe="1D"))
    assert len(history.timestamp) == len(history.equity) == len(history.profit_loss)
    assert history.timeframe == "1D"


def test_clock_and_calendar(clients):
    clock = clients.trading.get_clock()
    assert clock.is_open and clock.next_close > clock.timestamp
    days = clients.trading.get_calendar(GetCalendarRequest(start=date(2025, 1, 6), end=date(2025, 1, 10)))
    # 2025-01-09 was a national day of mourning: the market stayed shut.
    assert [day.date.day for day in days] == [6, 7, 8, 10]


def test_assets(clients):
    stock = clients.trading.get_asset("AAPL")
    assert (stock.symbol, stock.tradable, stock.asset_class) == ("AAPL", True, AssetClass.US_EQUITY)
    assert clients.trading.get_asset(stock.id).symbol == "AAPL"
    pairs = clients.trading.get_all_assets(GetAssetsRequest(asset_class=AssetClass.CRYPTO))
    assert "BTC/USD" in {asset.symbol for asset in pairs}
    assert len(clients.trading.get_all_assets()) > len(pairs)


def test_watchlists(trader, refused):
    made = trader.trading.create_watchlist(CreateWatchlistRequest(name="tech", symbols=["AAPL"]))
    assert [watchlist.id for watchlist in trader.trading.get_watchlists()] == [made.id]
    symbols = lambda watchlist: [asset.symbol for asset in watchlist.assets]
    assert symbols(trader.trading.add_asset_to_watchlist_by_id(made.id, "MSFT")) == ["AAPL", "MSFT"]
    assert symbols(trader.trading.remove_asset_from_watchlist_by_id(made.id, "AAPL")) == ["MSFT"]
    renamed = trader.trading.update_watchlist_by_id(made.id, UpdateWatchlistRequest(name="one", symbols=["IBM"]))
    assert (renamed.name, symbols(renamed)) == ("one", ["IBM"])
    assert symbols(trader.trading.get_watchlist_by_id(made.id)) == ["IBM"]
    trader.trading.delete_watchlist_by_id(made.id)
    assert trader.trading.get_watchlists() == []
    refused(lambda: trader.trading.get_watchlist_by_id(made.id), 404, 40410000)


def test_announcements(clients, refused):
    today = date.today()
    wanted = GetCorporateAnnouncementsRequest(
        ca_types=[CorporateActionType.DIVIDEND],
        since=today - timedelta(days=80),
        until=today,
        date_type=CorporateActionDateType.EX_DATE,
    )
    for announcement in clients.trading.get_corporate_announcements(wanted):
        assert announcement.ca_type is CorporateActionType.DIVIDEND
        assert clients.trading.get_corporate_announcement_by_id(announcement.id).id == announcement.id
    unknown = "00000000-0000-0000-0000-000000000000"
    refused(lambda: clients.trading.get_corporate_announcement_by_id(unknown), 404, 40410000)


def test_any_request_by_hand(trader, surface):
    """What the client's own request methods are for: paths that it has no method for."""
    assert trader.trading.get("/account")["account_number"] == trader.account.number
    order = {"symbol": "AAPL", "qty": "1", "side": "buy", "type": "limit", "limit_price": "1.5", "time_in_force": "gtc"}
    placed = trader.trading.post("/orders", order)
    replaced = trader.trading.patch(f"/orders/{placed['id']}", {"qty": "2"})
    assert replaced["replaces"] == placed["id"]
    trader.trading.delete(f"/orders/{replaced['id']}")
    made = trader.trading.post("/watchlists", {"name": "by hand", "symbols": ["AAPL"]})
    assert trader.trading.put(f"/watchlists/{made['id']}", {"name": "by hand still"})["name"] == "by hand still"


def test_a_wrong_pair_is_unauthorized(broker, surface):
    from alpaca.trading.client import TradingClient

    account = broker.account()
    client = surface.wrap(TradingClient(account.key_id, "wrong", url_override=account.url))
    with pytest.raises(APIError) as caught:
        client.get_account()
    # Alpaca's body has no code here, and alpaca-py cannot be asked for one.
    assert caught.value.status_code == 401
