import pytest

from worker.providers.transport import connections


@pytest.fixture(autouse=True)
def _connections_rest_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which call is the first on its connection does not depend on how fast the machine is."""
    monkeypatch.setattr(connections, "LONGEST_REST", 600.0)
