"""The bare loop: threads that post and parse, and nothing else. What HTTP alone costs in Python.

Its own process: `python -m benchmarks.loop URL OPERATIONS POLLS SESSIONS` prints one JSON object.
`each` gives every thread a Session of its own, `shared` one to all of them.
"""

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import requests
from requests.adapters import HTTPAdapter

THREADS: Final = 4
CONTENT_TYPE: Final = "application/json;charset=UTF-8"
#: The very bytes that the worker sends.
BODY: Final = (
    '{"Envelope":{"Header":{"Security":{"UsernameToken":{"Username":"bench","Password":"bench"}}},'
    '"Body":{"AsyncRequest":{"asyncId":%d}}}}'
)


def poll(session: requests.Session, url: str, async_id: int) -> bool:
    """Ask once; tell whether the answer was the result."""
    reply = session.post(
        url, data=(BODY % async_id).encode(), headers={"Content-Type": CONTENT_TYPE}, timeout=10
    )
    reply.raise_for_status()
    return "SimplifiedIdentificationResponse" in reply.json()["Envelope"]["Body"]["AsyncResponse"]


def poll_all(session: requests.Session, url: str, polls: int, ids: range) -> int:
    """Go round and round over the operations, as a poller does; return how many ended."""
    return sum(poll(session, url, async_id) for _ in range(polls) for async_id in ids)


def session_of_its_own() -> requests.Session:
    session = requests.Session()
    # Proxies and .netrc are looked up anew for every request otherwise.
    session.trust_env = False
    session.mount("http://", HTTPAdapter(pool_connections=1, pool_maxsize=THREADS))
    return session


def run(url: str, operations: int, polls: int, *, shared: bool) -> dict[str, float]:
    one = session_of_its_own()
    sessions = [one if shared else session_of_its_own() for _ in range(THREADS)]
    parts = [range(1 + thread, 1 + operations, THREADS) for thread in range(THREADS)]
    began, cpu = time.monotonic(), time.process_time()
    with ThreadPoolExecutor(THREADS) as executor:
        each = [
            executor.submit(poll_all, session, url, polls, ids)
            for session, ids in zip(sessions, parts, strict=True)
        ]
        ended = sum(future.result() for future in each)
    return {"ended": ended, "seconds": time.monotonic() - began, "cpu": time.process_time() - cpu}


if __name__ == "__main__":
    address, operations, polls, sessions = sys.argv[1:]
    print(json.dumps(run(address, int(operations), int(polls), shared=sessions == "shared")))
