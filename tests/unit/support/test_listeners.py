"""One server listens for all tests: no other module of the tests opens a listener."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.harnesses.chaos import proxy
from tests.support.loopback import server as loopback

_TESTS: Final = Path(__file__).parents[2]
#: The server itself; and the chaos proxy, whose connections live in one event loop.
_LISTENING: Final = {Path(str(module.__file__)) for module in (loopback, proxy)}
_SERVERS: Final = ("http.server", "socketserver", "wsgiref", "xmlrpc.server")
_CALLS: Final = frozenset({"create_server", "listen", "start_server", "start_unix_server"})
#: SQLAlchemy's module that listens to events.
_EVENTS: Final = "event"


def _listening(source: str) -> Iterator[int]:
    """Yield the number of each line that opens a listener, or imports what does."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                is_listening = any(_is_server(each.name) for each in names)
            case ast.ImportFrom(module=module, names=names):
                is_listening = any(_is_server(f"{module}.{each.name}") for each in names)
            case ast.Call(func=ast.Attribute(value=ast.Name(id=owner), attr=name)):
                is_listening = name in _CALLS and owner != _EVENTS
            case ast.Call(func=ast.Attribute(attr=name) | ast.Name(id=name)):
                is_listening = name in _CALLS
            case _:
                continue
        if is_listening:
            yield node.lineno


def _is_server(name: str) -> bool:
    return any(f"{name}.".startswith(f"{server}.") for server in _SERVERS)


def test_tests_listen_on_loopback_servers_alone() -> None:
    found = {
        f"{path.relative_to(_TESTS)}:{line}"
        for path in sorted(_TESTS.rglob("*.py"))
        if path not in _LISTENING
        for line in _listening(path.read_text("utf-8"))
    }

    assert found == set()


@pytest.mark.parametrize("module", sorted(_LISTENING), ids=lambda path: path.stem)
def test_modules_that_may_listen_do(module: Path) -> None:
    assert list(_listening(module.read_text("utf-8")))


@pytest.mark.parametrize(
    "source",
    [
        "import socketserver",
        "import http.server",
        "from http import server",
        "from http.server import HTTPServer",
        "from wsgiref.simple_server import make_server",
        "socket.create_server(('127.0.0.1', 0))",
        "asyncio.start_server(serve, '127.0.0.1')",
        "listener.listen()",
        "socket.socket().listen()",
        "create_server(('127.0.0.1', 0))",
    ],
)
def test_a_listener_is_found(source: str) -> None:
    assert list(_listening(source)) == [1]


def test_listening_to_events_is_none() -> None:
    assert list(_listening('event.listen(engine, "connect", hurry)\nimport http.client\n')) == []
