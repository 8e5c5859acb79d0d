"""The sandbox in a thread of the calling process, for tests and demonstrations."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Final

from uprid_sandbox.clock import Clock, utc_now
from uprid_sandbox.options import SandboxOptions
from uprid_sandbox.server import run

#: Seconds in which the server must stand, and must have stopped.
_SOON: Final = 10.0


@contextmanager
def background(options: SandboxOptions | None = None, clock: Clock = utc_now) -> Iterator[str]:
    """Serve for as long as the block runs; yield the address, `http://127.0.0.1:PORT`.

    Raises OSError where the port is taken.
    """
    address: Future[str] = Future()
    stopper: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def main() -> None:
        stop = asyncio.Event()
        stopper.set_result((asyncio.get_running_loop(), stop))
        await run(options or SandboxOptions(), address.set_result, stop, clock)

    def body() -> None:
        try:
            asyncio.run(main())
        except OSError as error:
            address.set_exception(error)

    thread = threading.Thread(target=body, name="sandbox", daemon=True)
    thread.start()
    base = address.result(_SOON)
    try:
        yield base
    finally:
        loop, stop = stopper.result(_SOON)
        loop.call_soon_threadsafe(stop.set)
        thread.join(_SOON)
