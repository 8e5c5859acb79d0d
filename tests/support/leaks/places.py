"""The places where something could leak: the database, Flower, a broker behind a password."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import requests

from tests.support.processes.system import System
from tests.support.servers.fresh import ValkeyServer

_FEWEST_TABLES: Final = 10


def guarded(broker: ValkeyServer, password: str) -> str:
    """Give a broker a password; return its address with it."""
    with broker.client() as client:
        client.config_set("requirepass", password)
    return broker.url.replace("redis://", f"redis://:{password}@")


def dump(whole: System) -> str:
    """Return the whole of the database as text."""
    if whole.database_url.startswith("sqlite"):
        path = Path(whole.database_url.removeprefix("sqlite:///"))
        parts = (path, path.with_name(path.name + "-wal"))
        return "\n".join(p.read_bytes().decode("utf-8", "replace") for p in parts if p.exists())
    tables = whole.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    assert len(tables) >= _FEWEST_TABLES
    return "\n".join(
        str(row)
        for (table,) in tables
        for row in whole.rows(f'SELECT t::text FROM "{table}" t')  # noqa: S608
    )


def flower_is_up(port: int) -> bool:
    """Tell whether Flower answers."""
    try:
        return requests.get(f"http://127.0.0.1:{port}/healthcheck", timeout=2).ok
    except requests.ConnectionError:
        return False


def flower_hears(port: int, password: str, workers: int) -> bool:
    """Return whether Flower knows so many workers: an event that it misses is not repeated."""
    if not flower_is_up(port):
        return False
    url = f"http://127.0.0.1:{port}/workers?json=1"
    answer = requests.get(url, auth=("oncall", password), timeout=60)
    return answer.ok and len(answer.json()["data"]) >= workers


def flower_pages(
    port: int, password: str, ids: Iterable[str], searches: Iterable[str]
) -> dict[str, str]:
    """Return what Flower says of everything to `oncall`, by address; `searches` are its own."""
    session = requests.Session()
    session.auth = ("oncall", password)
    host = f"http://127.0.0.1:{port}"
    columns = "".join(
        f"&columns[{n}][data]={name}" for n, name in enumerate(("name", "uuid", "args", "kwargs"))
    )
    search = (
        f"/tasks/datatable?draw=1&start=0&length=500{columns}&order[0][column]=0&order[0][dir]=asc"
    )
    ids = list(ids)
    paths = [
        "/api/tasks?limit=10000", "/api/workers?refresh=1", "/api/task/types", "/tasks", "/workers",
        "/api/queues/length", "/broker", "/metrics",
        *(f"{search}&search[value]={each}" for each in ("", *searches)),
        *(f"/api/task/info/{each}" for each in ids), *(f"/task/{each}" for each in ids),
    ]  # fmt: skip
    pages = {}
    for path in paths:
        answer = session.get(host + path, timeout=15)
        assert answer.ok or "/task/" in path or "/api/task/info" in path, (
            f"{path}: {answer.status_code}"
        )
        pages[path] = answer.text
    workers = json.loads(pages["/api/workers?refresh=1"])
    pages |= {f"/worker/{w}": session.get(f"{host}/worker/{w}", timeout=15).text for w in workers}
    session.close()
    return pages
