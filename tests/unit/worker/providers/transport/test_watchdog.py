"""The bound on a call's whole time."""

import gc
import os
import threading
import time

from worker.providers.transport.watchdog import Watchdog


class Call:
    def __init__(self, *, has_socket: bool = True) -> None:
        self.has_socket = has_socket
        self.was_cut = threading.Event()

    def cut(self) -> None:
        self.was_cut.set()


def test_watchdog_cuts_what_is_overdue_and_nothing_else() -> None:
    watchdog = Watchdog(0.1)
    watchdog.start()
    slow, quick = Call(), Call()
    watchdog.guard(slow)
    watchdog.guard(quick)

    assert watchdog.release(quick) is True
    assert slow.was_cut.wait(2)
    assert watchdog.release(slow) is False
    assert not quick.was_cut.is_set()
    watchdog.stop()


def test_watchdog_cuts_late_when_the_socket_comes_late() -> None:
    watchdog = Watchdog(0.05)
    watchdog.start()
    call = Call(has_socket=False)
    watchdog.guard(call)

    assert not call.was_cut.wait(0.2)
    assert watchdog.is_overdue(call)
    call.has_socket = True
    assert call.was_cut.wait(2)
    watchdog.stop()


def test_watchdog_keeps_the_first_deadline_of_a_call() -> None:
    watchdog = Watchdog(0.1)
    call = Call()
    watchdog.guard(call)
    time.sleep(0.11)
    watchdog.guard(call)

    assert watchdog.is_overdue(call)


def test_watchdog_ends_its_thread_when_it_is_forgotten() -> None:
    watchdog = Watchdog(30)
    watchdog.start()
    thread = watchdog._thread
    assert thread is not None

    del watchdog
    gc.collect()
    thread.join(2)

    assert not thread.is_alive()


def test_watchdog_starts_its_thread_again_in_a_forked_child() -> None:
    watchdog = Watchdog(0.05)
    watchdog.start()
    child = os.fork()
    if child == 0:
        call = Call()
        watchdog.guard(call)
        watchdog.start()
        os._exit(0 if call.was_cut.wait(2) else 1)

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    watchdog.stop()
