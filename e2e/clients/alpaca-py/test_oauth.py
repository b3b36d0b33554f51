"""A token of OAuth in the place of a pair: got as a program gets it, and used by alpaca-py's `oauth_token`."""

import pytest
from alpaca.common.exceptions import APIError
from alpaca.data.historical import StockHistoricalDataClient
from alpaca.data.live import StockDataStream
from alpaca.data.requests import StockLatestQuoteRequest
from alpaca.trading.client import TradingClient

from hearing import Heard
from oauth import token
from test_orders import resting

@pytest.fixture
def granted(broker):
    """A token for an account, after its owner has said yes on the consent page: `granted(account, "trading")`."""

    return lambda account, scope: token(broker, account, scope)


def test_a_token_trades_until_it_is_revoked(broker, granted):
    account = broker.account()
    client = TradingClient(oauth_token=granted(account, "trading"), url_override=account.url)
    assert client.get_account().account_number == account.number
    client.cancel_order_by_id(client.submit_order(resting()).id)
    for grant in broker.dashboard("GET", "/oauth/grants")["grants"]:
        if grant["accounts"][0]["account_number"] == account.number:
            broker.dashboard("DELETE", f"/oauth/grants/{grant['id']}")
    with pytest.raises(APIError) as caught:
        client.get_account()
    assert caught.value.status_code == 401


def test_a_token_does_no_more_than_its_scope(broker, granted, refused):
    account = broker.account()
    opened_by = granted(account, "data")
    refused(lambda: TradingClient(oauth_token=opened_by, url_override=account.url).submit_order(resting()), 403, 40310000, "trading")
    prices = StockHistoricalDataClient(oauth_token=opened_by, url_override=account.url)
    quotes = prices.get_stock_latest_quote(StockLatestQuoteRequest(symbol_or_symbols="AAPL"))
    assert quotes["AAPL"].ask_price > 0


def test_a_data_stream_takes_a_token(broker, granted, running):
    account = broker.account()
    stream = StockDataStream("oauth", granted(account, "data"), url_override=account.stream("/v2/test"))
    heard = Heard()
    stream.subscribe_quotes(heard.handler("quotes"), "FAKEPACA")
    with running(stream):
        assert heard.wait("quotes", lambda quote: quote.symbol == "FAKEPACA").ask_price > 0
