"""Reads the locks: which package stands where at which version, and under what condition."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from packaging.markers import Marker
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT: Final = Path(__file__).parents[3]
_PINNED: Final = re.compile(
    r"^(?P<name>[a-z0-9][\w.-]*)==(?P<version>[^\s;]+)(?: ; (?P<marker>[^\\]+?))? \\$", re.MULTILINE
)
_HASH: Final = re.compile(r"^    --hash=sha256:[0-9a-f]{64}(?: \\)?$")


@dataclass(frozen=True, slots=True)
class Pinned:
    """A package of a lock."""

    version: Version
    marker: Marker | None

    @property
    def is_for_this(self) -> bool:
        """Whether it is installed on this platform and Python."""
        return self.marker is None or self.marker.evaluate()


class Lock(dict[str, list[Pinned]]):
    """The packages of a lock file, by name. Universal: one may stand at a version a platform."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.text = (ROOT / name).read_text("utf-8")
        for line in _PINNED.finditer(self.text):
            marker = Marker(line["marker"]) if line["marker"] else None
            pinned = Pinned(Version(line["version"]), marker)
            self.setdefault(canonicalize_name(line["name"]), []).append(pinned)

    def strangers(self) -> list[str]:
        """Return the lines that are neither a package nor a hash of one."""
        return [
            line
            for line in self.text.splitlines()
            if not _HASH.match(line) and not _PINNED.match(line)
        ]

    def installed(self) -> dict[str, Version]:
        """Return what it installs here."""
        return {
            name: each.version for name, found in self.items() for each in found if each.is_for_this
        }


PRODUCTION: Final = Lock("requirements.lock")
LOCAL: Final = Lock("requirements-local.lock")
DEVELOPMENT: Final = Lock("requirements-dev.lock")
