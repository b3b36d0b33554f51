"""A bot as its owner would write it, with alpaca-py. What it does next comes as a line of JSON; what came of it goes out as one."""

import json
import os
import sys

from alpaca.common.exceptions import APIError
from alpaca.trading.client import TradingClient
from alpaca.trading.enums import OrderSide, TimeInForce
from alpaca.trading.requests import LimitOrderRequest, MarketOrderRequest

client = TradingClient(os.environ["APCA_API_KEY_ID"], os.environ["APCA_API_SECRET_KEY"], url_override=os.environ["APCA_API_BASE_URL"])


def account() -> dict:
    return {"number": client.get_account().account_number}


def order(symbol: str, qty: float, side: str = "buy", limit: float | None = None) -> dict:
    common = {"symbol": symbol, "qty": qty, "side": OrderSide(side), "time_in_force": TimeInForce.DAY}
    request = MarketOrderRequest(**common) if limit is None else LimitOrderRequest(limit_price=limit, **common)
    placed = client.submit_order(request)
    return {"id": str(placed.id), "symbol": placed.symbol, "qty": placed.qty}


def cancel_all() -> dict:
    return {"canceled": len(client.cancel_orders())}


DEEDS = {"account": account, "order": order, "cancel_all": cancel_all}

for line in sys.stdin:
    deed = json.loads(line)
    try:
        outcome = DEEDS[deed.pop("do")](**deed)
    except APIError as error:
        outcome = {"refused": error.status_code, "code": error.code, "message": error.message}
    print(json.dumps(outcome), flush=True)
