import os
import signal

import pytest

from worker.oncall.stopping import StopRequests


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_stop_is_asked_for_by_a_signal_and_hurried_by_a_second(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with StopRequests() as stop:
        assert not stop.asked()
        os.kill(os.getpid(), number)
        assert stop.asked()
        assert not stop.hurried()
        os.kill(os.getpid(), number)
        assert stop.hurried()
    assert signal.getsignal(number) is before
