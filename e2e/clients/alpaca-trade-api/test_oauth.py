"""The client with a token in place of a pair."""

from alpaca_trade_api import REST

from oauth import token


def test_a_token_opens_the_account_and_data(broker):
    account = broker.account()
    api = REST(oauth=token(broker, account), base_url=account.url)
    assert api.get_account().account_number == account.number
    api.submit_order("AAPL", 1)
    assert api.get_position("AAPL").qty == "1"
    assert api.get_latest_quote("AAPL").ap > 0
