"""Many keys, many sockets and much that goes wrong at the broker, for a while; then everything must agree.

main.py --seconds 600 --keys 1000 --sockets 500 --workers 60 --pace 0.5
Prints one JSON document; fails when anything is wrong."""

import argparse
import asyncio
import json
import sys
import tempfile
import time

from faults import storm
from load import SYMBOLS, Listener, Work, worker
from stage import Stage
from verdict import book, caps_agree, orders_agree, reservations, reservations_agree, updates_agree

# Until an order that never arrived counts as such: a minute, and the time between two looks.
SETTLING_SECONDS = 100
# How far memory may grow from the first fifth of the run to its end.
GROWTH, GROWTH_BYTES = 1.15, 24 << 20


def options():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--keys", type=int, default=1000)
    parser.add_argument("--sockets", type=int, default=500)
    parser.add_argument("--accounts", type=int, default=10)
    parser.add_argument("--workers", type=int, default=60)
    parser.add_argument("--pace", type=float, default=0.5, help="seconds between the programs of a worker; each sends three requests")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--patient", action="store_true", help="wait until every reservation is settled")
    return parser.parse_args()


async def until_all_rest(seconds: float, ready) -> None:
    """What is told late is told within this time."""
    deadline = time.monotonic() + seconds
    while not ready() and time.monotonic() < deadline:
        await asyncio.sleep(0.2)


async def soak(stage: Stage, wanted) -> dict:
    await stage.up()
    loop, began = asyncio.get_running_loop(), time.monotonic()
    accounts = [await stage.account(number) for number in range(wanted.accounts)]
    keys = [await stage.key(f"k{n}", n % len(accounts), accounts[n % len(accounts)]) for n in range(wanted.keys)]
    listeners = [
        Listener(keys[n], "/stream") if n % 2 else Listener(keys[n], "/v2/iex", SYMBOLS[n // 2 % len(SYMBOLS)])
        for n in range(wanted.sockets)
    ]
    listening = [asyncio.create_task(listener.listen(stage)) for listener in listeners]
    for listener in listeners:
        await asyncio.wait_for(listener.ready.wait(), 60)
    made_in = time.monotonic() - began

    until, work, memory = loop.time() + wanted.seconds, Work(), []
    workers = [worker(stage, keys, work, until, wanted.pace, wanted.seed * 1000 + n) for n in range(wanted.workers)]
    running = asyncio.gather(storm(stage, until - min(5, wanted.seconds / 4), wanted.seed, wanted.patient), *workers)
    while not running.done():
        memory.append(stage.resident())
        await asyncio.wait([running], timeout=max(wanted.seconds / 60, 0.5))
    fired = running.result()[0]

    updates = [listener for listener in listeners if listener.path == "/stream"]
    by_account = {account.number: list((await book(stage, account)).values()) for account in accounts}
    orders = [order for some in by_account.values() for order in some]
    await until_all_rest(20, lambda: not updates_agree(updates, by_account))
    patience = SETTLING_SECONDS if wanted.patient else 40
    await until_all_rest(patience, lambda: not reservations_agree(reservations(stage), orders, wanted.patient))
    by_account = {account.number: list((await book(stage, account)).values()) for account in accounts}
    orders = [order for some in by_account.values() for order in some]
    rows = reservations(stage)
    warm, end = max(memory[: max(len(memory) // 5, 1)]), stage.resident()
    wrong = {
        "orders": orders_agree(work, orders),
        "reservations": reservations_agree(rows, orders, wanted.patient),
        "caps": await caps_agree(stage, keys, rows),
        "trade updates": updates_agree(updates, by_account),
        "sockets": [f"{one.key.name} {one.path} was cut off: {one.cut}" for one in listeners if one.cut],
        "market data": [f"{one.key.name} got data of others" for one in listeners if one.foreign]
        + [f"{one.key.name} got no data" for one in listeners if one.symbol and not one.messages],
        "audit": [said for said in [stage.verify()] if said != "ok"],
        "memory": [f"it grew from {warm} to {end} bytes"] if end > warm * GROWTH + GROWTH_BYTES else [],
    }
    for task in listening:
        task.cancel()
    await asyncio.gather(*listening, return_exceptions=True)
    return {
        "seconds": wanted.seconds,
        "keys": len(keys),
        "sockets": len(listeners),
        "prepared_in": round(made_in, 1),
        "requests": work.requests,
        "statuses": dict(sorted(work.statuses.items())),
        "orders_sent": len(work.sent),
        "orders_in_book": len(orders),
        "faults": fired,
        "gaps": sum(len(one.gaps) for one in listeners),
        "messages": sum(one.messages for one in listeners),
        "memory_warm": warm,
        "memory_end": end,
        "memory": memory[:: max(len(memory) // 12, 1)],
        "wrong": {name: [len(some), *some[:10]] for name, some in wrong.items() if some},
    }


def main() -> int:
    wanted = options()
    with tempfile.TemporaryDirectory(prefix="paddock-soak-") as directory:
        stage = Stage(directory)
        try:
            found = asyncio.run(soak(stage, wanted))
        except BaseException:
            print(stage.said(), file=sys.stderr)
            raise
        finally:
            statuses = stage.stop()
        if statuses != (0, 0):
            found["wrong"]["ends"] = [1, f"gateway and broker ended with {statuses}"]
        if found["wrong"]:
            print(stage.said(), file=sys.stderr)
    print(json.dumps(found, indent=1))
    return 1 if found["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
