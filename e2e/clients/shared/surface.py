"""What a client was seen to do: which of its public methods were called, which operations they reached, and how that ended.

A client is wrapped; nothing inside it is changed. The broker tells which operations a call reached (`--record-exchanges`), so
that nobody has to say so in the tests. The outcome is written as JSON, from which `cargo xtask test clients` makes
docs/paper-broker-clients.md.
"""

import inspect
import json
from contextlib import contextmanager
from pathlib import Path


class Surface:
    """What was seen of one client."""

    def __init__(self, client: str, record: Path):
        self.client = client
        self._record = record
        self._read = 0
        self.called: set[str] = set()
        self.operations: dict[str, dict] = {}
        self.streams: dict[str, str] = {}

    def wrap(self, target, requests: bool = True):
        """The client, watched. A stream makes no requests of its own, and runs beside the calls of others."""
        return _Watched(self, target, requests)

    @contextmanager
    def calling(self, name: str):
        """One call of a public method: what the broker records meanwhile is its doing."""
        self.called.add(name)
        self._new_exchanges()
        returned = False
        try:
            yield
            returned = True
        finally:
            for exchange in self._new_exchanges():
                self._keep(exchange, returned)

    def _new_exchanges(self) -> list[dict]:
        with self._record.open("rb") as file:
            file.seek(self._read)
            text = file.read()
            whole = text[: text.rfind(b"\n") + 1]
            self._read += len(whole)
        return [json.loads(line) for line in whole.splitlines()]

    def _keep(self, exchange: dict, returned: bool) -> None:
        path = exchange["target"].partition("?")[0]
        operation = exchange["operation"] or f"{exchange['method']} {path}"
        status = exchange["status"]
        if path.startswith("/dashboard/") or status < 200:
            return
        if status < 300:
            # Nobody may take an answer that the client could not read for a good one.
            seen = {"status": status, "read": returned}
        else:
            seen = {"status": status, "code": _code(exchange.get("response"))}
        before = self.operations.get(operation)
        if before is None or _rank(seen) > _rank(before):
            self.operations[operation] = seen

    def heard(self, channel: str, outcome: str = "ok") -> None:
        """A message of that channel came to the handler that the client was given for it."""
        self.streams[channel] = outcome

    def missing(self, classes: list[type], excused: dict[str, str]) -> list[str]:
        """The public methods of these classes that were neither called nor excused."""
        return sorted(public_methods(classes) - self.called - set(excused))

    def write(self, file: Path) -> None:
        """Keeps what was seen."""
        seen = {"client": self.client, "operations": self.operations, "streams": self.streams}
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(seen, indent=1, sort_keys=True) + "\n")


def public_methods(classes: list[type]) -> set[str]:
    """By reflection: `Class.method`, with the class that defines it."""
    return {
        _name(cls, name)
        for cls in classes
        for name, _ in inspect.getmembers(cls, inspect.isroutine)
        if not name.startswith("_")
    }


def _name(cls: type, method: str) -> str:
    return f"{next(base.__name__ for base in cls.__mro__ if method in vars(base))}.{method}"


def _code(body: str | None) -> int | None:
    try:
        return json.loads(body or "").get("code")
    except (ValueError, AttributeError):
        return None


def _rank(seen: dict) -> int:
    """The best that was seen of an operation is what counts: tests call it wrongly on purpose as well."""
    if "read" in seen:
        return 2 if seen["read"] else 1
    return 0


class _Watched:
    def __init__(self, surface: Surface, target, requests: bool):
        self._surface, self._target, self._requests = surface, target, requests

    def __getattr__(self, name: str):
        value = getattr(self._target, name)
        if name.startswith("_") or not callable(value):
            return value
        known_as = _name(type(self._target), name)
        if not self._requests:
            self._surface.called.add(known_as)
            return value
        if inspect.iscoroutinefunction(value):

            async def call(*arguments, **named):
                with self._surface.calling(known_as):
                    return await value(*arguments, **named)

        else:

            def call(*arguments, **named):
                with self._surface.calling(known_as):
                    result = value(*arguments, **named)
                    # A generator asks when it is read.
                    return list(result) if inspect.isgenerator(result) else result

        return call
