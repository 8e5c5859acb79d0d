"""The installation that this command belongs to: whether a worker could start from it."""

import platform
from collections.abc import Iterator

from config.queues import TASK_MODULES
from worker.oncall import installation
from worker.oncall.checks.finding import Finding, fault, ok, warning

_WHAT = "installation"


def check_installation() -> Iterator[Finding]:
    """Import what workers, pollers, beat and Flower import; look at the versions that are there."""
    lacks = installation.lacks([*installation.IMPORTED, *TASK_MODULES])
    for lack in lacks:
        yield (fault if lack.is_ours else warning)(_WHAT, str(lack))
    own = installation.installed()
    if own is None:
        detail = "runs from a folder that pip did not install: its packages cannot be compared"
        yield warning(_WHAT, f"{detail}: pip install it")
    elif not lacks:
        yield ok(_WHAT, f"{installation.NAME} {own.version} on Python {platform.python_version()}")
