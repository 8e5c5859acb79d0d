"""What is wrong with this installation: packages that are missing, or of another version.

Imports nothing that has to be installed: it must be able to say that anything else is missing.
"""

import re
import shlex
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from itertools import chain
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from packaging.requirements import Requirement

NAME: Final = "uprid-worker"
#: What workers, pollers, beat and Flower import, libraries' own choices by name among it.
IMPORTED: Final = (
    "redis",
    "kombu.transport.redis",
    "celery.concurrency.thread",
    "celery.beat",
    "flower.command",
    "psycopg",
    "worker.providers.registry",
    "worker.process.app",
)
_OURS: Final = ("", "config", "worker", "tasks", "uprid_client")
#: Packages whose modules have another name.
_PACKAGES: Final = {"dateutil": "python-dateutil"}


@dataclass(frozen=True, slots=True)
class Lack:
    """One thing that is wrong, and the line to type."""

    #: The package's name, normalised.
    package: str
    detail: str
    #: As pip takes it, such as `celery[redis]>=5.7,<6`.
    wanted: str
    #: False for what one library wants of another, which may work all the same.
    is_ours: bool = True

    def __str__(self) -> str:
        """Return it in one line."""
        return f"{self.detail}: {shlex.join([sys.executable, '-m', 'pip', 'install', self.wanted])}"


def installed() -> Distribution | None:
    """Return this release's own package, or None where it runs from a folder alone."""
    try:
        return distribution(NAME)
    except PackageNotFoundError:
        return None


def lacks(imported: Iterable[str] = IMPORTED) -> list[Lack]:
    """Return everything that is wrong: requirements that are not met, then imports that fail."""
    own = installed()
    # Several libraries may want one package, and several imports fail for it: the first says it.
    found: dict[str, Lack] = {}
    for lack in chain([] if own is None else _unmet(own), _failing(imported)):
        found.setdefault(lack.package, lack)
    return list(found.values())


def lack_of(error: Exception, imported: str = "") -> Lack:
    """Return what an import that failed says of the installation; `imported` is the module."""
    name = getattr(error, "name", None) or imported
    module = name.partition(".")[0]
    package = NAME if module in _OURS else _normalised(_PACKAGES.get(module, module))
    if isinstance(error, ModuleNotFoundError):
        return Lack(package, f"{package} is not installed", package)
    kind = type(error).__name__
    return Lack(package, f"{package} cannot be imported ({kind} in {name})", package)


def _failing(imported: Iterable[str]) -> Iterator[Lack]:
    for name in imported:
        try:
            import_module(name)
        except Exception as error:  # noqa: BLE001 - a library may fail in any way as it is imported
            yield lack_of(error, name)


def _unmet(own: Distribution) -> Iterator[Lack]:
    """Walk what is required, and what that requires; each package once with the same extras."""
    try:
        requirements = import_module("packaging.requirements")
    except ModuleNotFoundError as error:
        # It reads requirements: without it no other can be looked at.
        yield lack_of(error)
        return
    waiting: list[tuple[Distribution, str]] = [(own, "")]
    seen: set[tuple[str, str]] = set()
    while waiting:
        wanting, extra = waiting.pop()
        for text in wanting.requires or ():
            try:
                wanted: Requirement = requirements.Requirement(text)
            except requirements.InvalidRequirement:
                # pip does not install for such a line either.
                continue
            if not _is_for(wanted, extra) or (extra and _is_for(wanted, "")):
                continue
            package = _normalised(wanted.name)
            by = "" if wanting is own else f" (for {wanting.name})"
            wanted.marker = None
            try:
                found = distribution(wanted.name)
            except PackageNotFoundError:
                yield Lack(package, f"{package} is not installed{by}", str(wanted))
                continue
            if not wanted.specifier.contains(found.version, prereleases=True):
                detail = f"{package} is {found.version}, {wanted.specifier} is needed{by}"
                yield Lack(package, detail, str(wanted), is_ours=wanting is own)
            for each in ("", *sorted(wanted.extras)):
                if (package, each) not in seen:
                    seen.add((package, each))
                    waiting.append((found, each))


def _is_for(wanted: "Requirement", extra: str) -> bool:
    return wanted.marker is None or wanted.marker.evaluate({"extra": extra})


def _normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
