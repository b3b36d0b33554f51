"""A small HTTP/1.1 client over TCP and Unix sockets. It never sends a request twice, so that what is counted here is what happened."""

import asyncio
import json


class Broken(Exception):
    """No whole answer came."""


class Http:
    """One connection that is kept, and opened anew after it broke."""

    def __init__(self, open_connection, headers: dict[str, str]):
        self._open, self._streams = open_connection, None
        self._headers = "".join(f"{name}: {value}\r\n" for name, value in headers.items())

    async def ask(self, method: str, path: str, content=None, headers: str = "") -> tuple[int, object]:
        """The status and the JSON of the answer."""
        body = b"" if content is None else json.dumps(content).encode()
        kind = "Content-Type: application/json\r\n" if body else ""
        head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{self._headers}{headers}{kind}Content-Length: {len(body)}\r\n\r\n"
        try:
            if self._streams is None:
                self._streams = await self._open()
            reader, writer = self._streams
            writer.write(head.encode() + body)
            return await asyncio.wait_for(self._answer(reader), 100)
        except (OSError, EOFError, ValueError, TimeoutError) as error:
            self.close()
            raise Broken(repr(error)) from error

    async def _answer(self, reader) -> tuple[int, object]:
        lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        status, length, chunked, stays = int(lines[0].split()[1]), 0, False, True
        for line in lines[1:]:
            name, _, value = line.partition(":")
            name, value = name.lower(), value.strip().lower()
            length = int(value) if name == "content-length" else length
            chunked |= name == "transfer-encoding" and "chunked" in value
            stays &= not (name == "connection" and value == "close")
        text = await self._chunks(reader) if chunked else await reader.readexactly(length)
        if not stays:
            self.close()
        try:
            return status, json.loads(text) if text else None
        except ValueError:
            return status, text.decode("utf-8", "replace")

    @staticmethod
    async def _chunks(reader) -> bytes:
        text = b""
        while size := int((await reader.readline()).split(b";")[0], 16):
            text += await reader.readexactly(size)
            await reader.readline()
        await reader.readline()
        return text

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


def tcp(port: int, headers: dict[str, str]) -> Http:
    return Http(lambda: asyncio.open_connection("127.0.0.1", port, limit=1 << 24), headers)


def unix(path: str) -> Http:
    return Http(lambda: asyncio.open_unix_connection(path, limit=1 << 24), {})


def pair(key_id: str, secret_key: str) -> dict[str, str]:
    return {"APCA-API-KEY-ID": key_id, "APCA-API-SECRET-KEY": secret_key}
