"""What goes wrong at the broker, drawn from a seed: a fault or two every few seconds."""

import asyncio
import random

from stage import Stage

ORDERS = ["postOrder", "deleteOrderByOrderID"]


def drawn(chance: random.Random, patient: bool) -> list[dict]:
    """Rules of one mishap. Only a patient run has those after which it takes a minute until a stream counts as dead."""
    part, count = {"probability": 0.3, "for_seconds": 3}, {"count": chance.randint(1, 8)}
    when = chance.choice(["before", "after"])
    mishaps = [
        [{"fault": "latency", "milliseconds": 20, "jitter_milliseconds": 300, "for_seconds": 4, "probability": 0.5}],
        [{"fault": "error", "status": chance.choice([500, 502, 503, 504]), "when": when, "operations": ORDERS, **count}],
        [{"fault": "error", "status": 500, "when": "before", **part}],
        [{"fault": "error", "status": 429, "operations": ["*"], "retry_after": 1, "rate_limit_headers": False, **count}],
        [{"fault": "drop", "when": when, "reply": chance.choice(["nothing", "headers"]), "operations": ORDERS, **count}],
        [{"fault": "drop", "when": "before", "reply": "nothing", **part}],
        [{"fault": "hang", "when": when, "operations": ORDERS, "count": 2, "for_seconds": 3}],
        [{"fault": "disconnect"}, {"fault": "error", "status": 429, "streams": ["*"], "count": chance.randint(1, 5)}],
        [{"fault": "disconnect", "code": 1011}],
        [{"fault": "drop", "streams": ["*"], "count": 2}, {"fault": "disconnect"}],
    ]
    if patient:
        mishaps.append([{"fault": "half_open", "streams": ["/stream"], "for_seconds": 120}])
    return chance.choice(mishaps)


async def storm(stage: Stage, until: float, seed: int, patient: bool) -> dict[str, int]:
    """Has things go wrong until that time of the loop; returns how often each fault fired."""
    chance, loop, fired = random.Random(seed), asyncio.get_running_loop(), {}

    async def sweep() -> None:
        _, standing = await stage.admin.ask("GET", "/admin/v1/faults")
        for rule in standing["faults"]:
            if rule["over"] or loop.time() >= until:
                fired[rule["fault"]] = fired.get(rule["fault"], 0) + rule["fired"]
                await stage.admin.ask("DELETE", f"/admin/v1/faults/{rule['id']}")

    while loop.time() < until:
        for rule in drawn(chance, patient):
            status, made = await stage.admin.ask("POST", "/admin/v1/faults", rule)
            assert status == 201, made
        await asyncio.sleep(min(chance.uniform(0.5, 3), max(until - loop.time(), 0)))
        await sweep()
    await sweep()
    return fired
