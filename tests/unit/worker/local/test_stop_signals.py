import os
import signal

import pytest

from worker.local.stop_signals import StopRequests


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_stop_is_asked_for_by_a_signal_and_hurried_by_a_later_one(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    times = iter([10.0, 10.4, 12.0])
    with StopRequests(lambda: next(times)) as stop:
        assert not stop.asked()
        os.kill(os.getpid(), number)
        assert stop.asked()
        os.kill(os.getpid(), number)
        assert not stop.hurried()
        os.kill(os.getpid(), number)
        assert stop.hurried()
    assert signal.getsignal(number) is before
