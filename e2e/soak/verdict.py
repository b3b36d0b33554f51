"""What must be true at the end: of the broker's book, Paddock's reservations, what sockets heard, memory and the audit chain."""

import sqlite3
from collections import Counter
from datetime import timedelta

import wire
from load import Listener, Work, instant
from stage import Account, Key, Stage

# The broker and the gateway note an instant each for the same moment, and either may have to wait for the processor in between.
SKEW = timedelta(seconds=2)
TERMINAL = {"filled": ("fill", "filled_at"), "canceled": ("canceled", "canceled_at")}


async def book(stage: Stage, account: Account) -> dict[str, dict]:
    """All orders of the account by id, from the broker itself."""
    http, orders, after = wire.tcp(stage.broker_port, wire.pair(account.key_id, account.secret_key)), {}, ""
    while True:
        _, page = await http.ask("GET", f"/v2/orders?status=all&limit=500&direction=asc{after}")
        new = [order for order in page if order["id"] not in orders]
        if not new:
            return orders
        orders |= {order["id"]: order for order in new}
        after = f"&after={new[-1]['submitted_at']}"


def orders_agree(work: Work, orders: list[dict]) -> list[str]:
    """No order is lost, none is doubled, none is there of which its program was told that it is not."""
    wrong, found = [], Counter(order["client_order_id"] for order in orders)
    wrong += [f"{name} is in the book {count} times" for name, count in found.items() if count > 1]
    wrong += [f"{name} was never sent" for name in found if name not in work.sent]
    for name, sent in work.sent.items():
        if sent.status == 200 and name not in found:
            wrong.append(f"{name} was acknowledged and is not in the book")
        if sent.status is not None and 400 <= sent.status < 500 and name in found:
            wrong.append(f"{name} was refused with {sent.status} and is in the book: {sent.answer}")
    return wrong


def reservations(stage: Stage) -> list[tuple]:
    database = sqlite3.connect(f"file:{stage.data}/paddock.db?mode=ro", uri=True, timeout=20)
    try:
        query = "SELECT client_order_id, state, order_id, access_key_id FROM reservations WHERE operation = 'postOrder'"
        return database.execute(query).fetchall()
    finally:
        database.close()


def reservations_agree(rows: list[tuple], orders: list[dict], settled: bool) -> list[str]:
    """What is in the book is charged, what is not is released; or, while that cannot be told yet, charged."""
    wrong, ids = [], {order["client_order_id"]: order["id"] for order in orders}
    states = {name: (state, order) for name, state, order, _ in rows}
    for name, order in ids.items():
        if states.get(name) != ("confirmed", order):
            wrong.append(f"{name} is in the book as {order}, and the reservation is {states.get(name)}")
    for name, (state, _) in states.items():
        if name not in ids and state != "released" and (settled or state == "confirmed"):
            wrong.append(f"{name} is not in the book, and its reservation is {state}")
    return wrong


async def caps_agree(stage: Stage, keys: list[Key], rows: list[tuple]) -> list[str]:
    """What each key has used of its caps is what is not released."""
    database = sqlite3.connect(f"file:{stage.data}/paddock.db?mode=ro", uri=True, timeout=20)
    try:
        used = dict(database.execute("SELECT access_key_id, SUM(orders) FROM usage GROUP BY 1").fetchall())
    finally:
        database.close()
    held = Counter(key for _, state, _, key in rows if state != "released")
    return [f"{key} has used {used.get(key, 0)} orders of its caps, and has {held[key]}" for key in used.keys() | held.keys() if used.get(key, 0) != held[key]]


def updates_agree(listeners: list[Listener], by_account: dict[str, list[dict]]) -> list[str]:
    """Each socket heard how each order of its account ended, or was told of a gap in which that was."""
    wrong = []
    for listener in listeners:
        for order in by_account[listener.key.account.number]:
            event, at = TERMINAL.get(order["status"], (None, None))
            if event is None or event in listener.events.get(order["id"], ()):
                continue
            when = instant(order[at])
            if not any(start - SKEW <= when <= end + SKEW for start, end in listener.gaps):
                wrong.append(f"{listener.key.name} missed the {event} of {order['client_order_id']} at {order[at]}; gaps {listener.gaps[-3:]}")
    return wrong
