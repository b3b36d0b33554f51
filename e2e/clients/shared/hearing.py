"""Waiting for what a stream says."""

import logging
import threading
from collections import defaultdict
from contextlib import contextmanager

PATIENCE_SECONDS = 20


class Heard:
    """What came to the handlers of a stream, by channel."""

    def __init__(self):
        self._changed = threading.Condition()
        self._messages = defaultdict(list)

    def handler(self, channel: str):
        """A coroutine function, as Alpaca's Python clients want their handlers."""

        async def keep(message) -> None:
            with self._changed:
                self._messages[channel].append(message)
                self._changed.notify_all()

        return keep

    def of(self, channel: str) -> list:
        """What came so far."""
        with self._changed:
            return list(self._messages[channel])

    def wait(self, channel: str, fits=lambda message: True):
        """The first message that fits, when it is there."""
        found = lambda: next((message for message in self._messages[channel] if fits(message)), None)
        with self._changed:
            if not self._changed.wait_for(lambda: found() is not None, PATIENCE_SECONDS):
                raise AssertionError(f"nothing that fits came on {channel}; what came: {self._messages[channel][-3:]}")
            return found()

    def next(self, channel: str):
        """The next message after those that are there."""
        with self._changed:
            so_far = len(self._messages[channel])
            came = lambda: len(self._messages[channel]) > so_far
            assert self._changed.wait_for(came, PATIENCE_SECONDS), f"nothing more came on {channel}"
            return self._messages[channel][so_far]


class Running:
    """Streams in threads of their own. Alpaca's clients look only every five seconds whether they were stopped, so they are waited
    for all together."""

    def __init__(self):
        self._threads: list[threading.Thread] = []

    @contextmanager
    def __call__(self, stream):
        """A stream that runs until the test is done with it."""
        thread = threading.Thread(target=stream.run, daemon=True)
        thread.start()
        self._threads.append(thread)
        try:
            yield stream
        finally:
            stream.stop()

    def join(self) -> None:
        """Waits until all have stopped."""
        for thread in self._threads:
            thread.join(PATIENCE_SECONDS)
            assert not thread.is_alive(), "a stream did not stop"


class Log(logging.Handler):
    """What a client says in its log, where it has no other way to say it."""

    def __init__(self, logger: str):
        super().__init__(logging.INFO)
        self._changed = threading.Condition()
        self._lines: list[str] = []
        self._logger = logging.getLogger(logger)
        self._level = self._logger.level

    def __enter__(self):
        self._logger.addHandler(self)
        self._logger.setLevel(logging.INFO)
        return self

    def __exit__(self, *_):
        self._logger.removeHandler(self)
        self._logger.setLevel(self._level)

    def emit(self, record: logging.LogRecord) -> None:
        with self._changed:
            self._lines.append(record.getMessage())
            self._changed.notify_all()

    def wait(self, words: str) -> None:
        """Returns when a line has these words."""
        with self._changed:
            said = lambda: any(words in line for line in self._lines)
            assert self._changed.wait_for(said, PATIENCE_SECONDS), f"nobody said {words!r}; said was {self._lines[-5:]}"
