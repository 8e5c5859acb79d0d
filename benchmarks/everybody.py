"""A local endpoint that answers as all four providers, of whom any one can hang.

Its own process: `python -m benchmarks.everybody PORT`. Every poll is answered with "not yet", every
step of a start with what the next one needs, and of each the time is kept at which it came.
`POST /control` with `{"hanging": "moneta"}` has that one answer nothing more, with null all
answer again; `GET /control` tells what came.
"""

import asyncio
import json
import re
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Final

_HEAD: Final = b"HTTP/1.1 200 OK\r\nContent-Type: %s;charset=UTF-8\r\nContent-Length: %d\r\n\r\n"
_JSON: Final = b"application/json"
_XML: Final = b"text/xml"
_LENGTH: Final = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)

#: What tells whom a request is about: in the body, and for Mandarin in the path.
_ASYNC_ID: Final = re.compile(rb'"asyncId":([0-9]+)')
_PHONE: Final = re.compile(rb"(?:^|&)phone=([0-9]+)")
_ESHOP: Final = re.compile(rb"(?:^|&)EshopId=([0-9]+)")
_SESSION: Final = re.compile(rb"GET \S*/([0-9]+) HTTP")

_POLLED: Final = (
    b'{"Envelope":{"Body":{"AsyncResponse":{"asyncId":%s,"asyncStatus":"INPROGRESS",'
    b'"expirationDate":"2099-01-01T00:00:00.000+03:00"}}}}'
)
_PROFILE: Final = (
    b'{"Envelope":{"Body":{"GetProfileInfoResponse":{"attribute":'
    b'[{"key":"parentid","value":"1"}]}}}}'
)
_SESSION_OPEN: Final = (
    b'{"id":"%s","personVerificationFinished":false,"phoneVerificationFinished":false}'
)
_TOKEN: Final = (
    b"<Response><OperationState><Code>0</Code></OperationState><Result><State><Code>0</Code>"
    b"</State><UserToken>a-token</UserToken></Result></Response>"
)
_QUEUED: Final = (
    b"<Response><OperationState><Code>1</Code></OperationState>"
    b"<OperationId>01234567-89ab-cdef-0123-456789abcdef</OperationId></Response>"
)
_STEPS: Final = {
    b"updatemonetaprofile": b'{"updated":true}',
    b"updateuserdoc": b'{"unitId":7,"docId":8}',
    b"startuprid": b'{"asyncId":9,"asyncStatus":"CREATED"}',
}

#: The subject of a request ("" where it is not counted), media type and answer.
Answer = tuple[str, bytes, bytes]


def _found(pattern: re.Pattern[bytes], text: bytes) -> bytes:
    match = pattern.search(text)
    return match[1] if match else b""


def _moneta(head: bytes, body: bytes) -> Answer:
    del head
    async_id = _found(_ASYNC_ID, body)
    return async_id.decode(), _JSON, _POLLED % async_id if async_id else _PROFILE


def _npd(head: bytes, body: bytes) -> Answer:
    path = head.split(b" ", 2)[1]
    return _found(_PHONE, body).decode(), _JSON, _STEPS[path.rsplit(b"/", 1)[1]]


def _mandarin(head: bytes, body: bytes) -> Answer:
    del body
    session = _found(_SESSION, head)
    return session.decode(), _JSON, _SESSION_OPEN % session


def _intellectmoney(head: bytes, body: bytes) -> Answer:
    if b"getUserToken" in head:
        return "", _XML, _TOKEN
    return _found(_ESHOP, body).decode(), _XML, _QUEUED


_PROVIDERS: Final[dict[str, Callable[[bytes, bytes], Answer]]] = {
    "moneta": _moneta,
    "npd": _npd,
    "mandarin": _mandarin,
    "intellectmoney": _intellectmoney,
}


class Seen:
    """What came, and who hangs."""

    def __init__(self) -> None:
        self.hanging: str | None = None
        #: Requests that got no answer.
        self.hung = 0
        #: Times by `provider:subject`.
        self.arrivals: defaultdict[str, list[float]] = defaultdict(list)

    def counts(self) -> bytes:
        return json.dumps({"hung": self.hung, "arrivals": self.arrivals}).encode()


class Connection(asyncio.Protocol):
    """One keep-alive connection."""

    def __init__(self, seen: Seen) -> None:
        self._seen = seen
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - as asyncio promises
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end]
            whole = end + 4 + int(_found(_LENGTH, head) or b"0")
            if len(self._buffer) < whole:
                return
            body, self._buffer = self._buffer[end + 4 : whole], self._buffer[whole:]
            self._answer(head, body)

    def _answer(self, head: bytes, body: bytes) -> None:
        provider = head.split(b" ", 2)[1].split(b"/")[1].decode()
        if provider == "control":
            self._control(body)
            return
        subject, media_type, answer = _PROVIDERS[provider](head, body)
        if subject:
            self._seen.arrivals[f"{provider}:{subject}"].append(time.time())
        if provider == self._seen.hanging:
            self._seen.hung += 1
            return
        self._write(media_type, answer)

    def _control(self, body: bytes) -> None:
        if body:
            self._seen.hanging = json.loads(body)["hanging"]
        self._write(_JSON, self._seen.counts())

    def _write(self, media_type: bytes, answer: bytes) -> None:
        self._transport.write(_HEAD % (media_type, len(answer)) + answer)


async def serve(port: int) -> None:
    seen = Seen()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(seen), "127.0.0.1", port, backlog=256)
    print("ready", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
