"""A local endpoint that answers as MONETA, as cheaply as Python can, so that it measures others.

Its own process: `python -m benchmarks.endpoint PORT`. It answers every poll with INPROGRESS until
an asyncId has been asked about `polls` times, then with the result. It counts, and may keep when
each poll came; `POST /control` sets it back, `GET /control` tells what it saw. A poll in SOAP is
answered with INPROGRESS always.
"""

import asyncio
import json
import sys
import time
from typing import Final

_STATUS: Final = (
    b'{"Envelope":{"Body":{"AsyncResponse":{"asyncId":%d,"asyncStatus":"%s",'
    b'"expirationDate":"2099-01-01T00:00:00.000+03:00"}}}}'
)
_RESULT: Final = json.dumps(
    {
        "Envelope": {
            "Body": {
                "AsyncResponse": {
                    "SimplifiedIdentificationResponse": {
                        "success": True,
                        "personalInformation": {
                            "profile": {
                                "attribute": [
                                    {"key": key, "value": value, "approved": True}
                                    for key, value in (
                                        ("last_name", "Проверкин"),
                                        ("first_name", "Проверка"),
                                        ("snils", "112-233-445 95"),
                                    )
                                ]
                            },
                            "document": {"id": 123, "type": "PASSPORT"},
                        },
                    }
                }
            }
        }
    },
    ensure_ascii=False,
).encode()
_SOAP_STATUS: Final = (
    b'<?xml version="1.0" encoding="UTF-8"?>'
    b'<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Header/><e:Body>'
    b'<m:AsyncResponse xmlns:m="http://www.moneta.ru/schemas/messages.xsd">'
    b"<m:asyncId>%d</m:asyncId><m:asyncStatus>INPROGRESS</m:asyncStatus>"
    b"<m:expirationDate>2099-01-01T00:00:00.000+03:00</m:expirationDate>"
    b"</m:AsyncResponse></e:Body></e:Envelope>"
)
_HEAD: Final = (
    b"HTTP/1.1 200 OK\r\nDate: Sat, 21 Nov 2026 12:00:00 GMT\r\n"
    b"Content-Type: %s;charset=UTF-8\r\nContent-Length: %d\r\n\r\n"
)
_JSON_TYPE: Final = b"application/json"
_SOAP_TYPE: Final = b"text/xml"
_ASYNC_ID: Final = b'"asyncId":'
_SOAP_ASYNC_ID: Final = b"asyncId>"
_LENGTH: Final = b"content-length:"
_SUBMITTED_FROM: Final = 1_000_000_000


class Answers:
    """What is answered, and what was seen."""

    def __init__(self) -> None:
        self.set_back(polls=1, keep=False)
        self._submitted = _SUBMITTED_FROM

    def set_back(self, *, polls: int, keep: bool) -> None:
        """Forget what was seen; from now on the answer number `polls` is the result."""
        self._last = polls
        self._keep = keep
        self._counts: dict[int, int] = {}
        self._arrivals: dict[int, list[float]] = {}
        self._seen = 0
        self._first = self._latest = 0.0

    def to_poll(self, async_id: int) -> bytes:
        now = time.time()
        if not self._seen:
            self._first = now
        self._seen += 1
        self._latest = now
        if self._keep:
            self._arrivals.setdefault(async_id, []).append(now)
        count = self._counts[async_id] = self._counts.get(async_id, 0) + 1
        return _RESULT if count >= self._last else _STATUS % (async_id, b"INPROGRESS")

    def to_submit(self) -> bytes:
        self._submitted += 1
        return _STATUS % (self._submitted, b"CREATED")

    def counts(self) -> bytes:
        return json.dumps(
            {
                "polls": self._seen,
                "first": self._first,
                "last": self._latest,
                "arrivals": self._arrivals,
            }
        ).encode()


class Connection(asyncio.Protocol):
    """One keep-alive connection."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - as asyncio promises
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end]
            whole = end + 4 + _length(head)
            if len(self._buffer) < whole:
                return
            body, self._buffer = self._buffer[end + 4 : whole], self._buffer[whole:]
            media_type, answer = self._answer(head, body)
            self._transport.write(_HEAD % (media_type, len(answer)) + answer)

    def _answer(self, head: bytes, body: bytes) -> tuple[bytes, bytes]:
        if body.startswith(b"<"):
            start = body.index(_SOAP_ASYNC_ID) + len(_SOAP_ASYNC_ID)
            return _SOAP_TYPE, _SOAP_STATUS % int(body[start : body.index(b"<", start)])
        return _JSON_TYPE, self._json_answer(head, body)

    def _json_answer(self, head: bytes, body: bytes) -> bytes:
        if (at := body.find(_ASYNC_ID)) >= 0:
            start = at + len(_ASYNC_ID)
            return self._answers.to_poll(int(body[start : body.index(b"}", start)]))
        if head.startswith(b"GET /control"):
            return self._answers.counts()
        if head.startswith(b"POST /control"):
            self._answers.set_back(**json.loads(body))
            return b"{}"
        return self._answers.to_submit()


def _length(head: bytes) -> int:
    lowered = head.lower()
    at = lowered.find(_LENGTH)
    if at < 0:
        return 0
    start = at + len(_LENGTH)
    end = lowered.find(b"\r\n", start)
    return int(lowered[start:] if end < 0 else lowered[start:end])


async def serve(port: int) -> None:
    answers = Answers()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(answers), "127.0.0.1", port, backlog=256)
    print("ready", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
