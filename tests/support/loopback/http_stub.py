"""An HTTP server that answers what a test tells it to."""

import json
import ssl
import threading
import time

from tests.support.loopback.http_server import Answer, Asked, HttpServer

__all__ = ["Answer", "Asked", "HttpStub", "said", "seconds_since"]


def said(document: object, status: int = 200, **headers: str) -> Answer:
    """Return an answer in JSON."""
    body = json.dumps(document).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(body, status, {"Content-Type": "application/json;charset=UTF-8", **named})


class HttpStub(HttpServer):
    """Answers in the order given; the last answer repeats."""

    def __init__(self, *answers: Answer, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(self._next_answer, tls)
        self.answers = list(answers or [Answer()])
        self.asked: list[Asked] = []
        self._answering = threading.Lock()

    @property
    def url(self) -> str:
        return f"{self.origin}/services"

    def answer(self, *answers: Answer) -> None:
        """Replace what is still to be answered."""
        with self._answering:
            self.answers = list(answers)

    def _next_answer(self, asked: Asked) -> Answer:
        with self._answering:
            self.asked.append(asked)
            return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def seconds_since(began: float) -> float:
    """Return the seconds since a `time.monotonic()`."""
    return time.monotonic() - began
