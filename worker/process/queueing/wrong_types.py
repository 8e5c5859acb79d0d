"""Leaves out the queues whose keys hold something else than a list, so that the others go on."""

from collections.abc import Mapping, Sequence
from time import monotonic
from typing import Final

import structlog

log = structlog.get_logger(__name__)

#: Seconds until such a key is tried again.
_LOOK_AGAIN: Final = 10.0
_FITTING: Final = frozenset({"list", "none"})


class WrongTypes:
    """Which keys are left out at the moment.

    One of them is enough to have the server refuse a BRPOP that names others, too.
    """

    def __init__(self) -> None:
        self._types: dict[str, str] = {}
        self._until = 0.0

    def without(self, keys: Sequence[str]) -> list[str]:
        """Return the keys that can be popped from."""
        if self._types and monotonic() < self._until:
            return [key for key in keys if key not in self._types]
        return list(keys)

    def note(self, types: Mapping[str, str]) -> None:
        """Take down what the keys hold, by TYPE; what is new is logged, once."""
        wrong = {key: kind for key, kind in types.items() if kind not in _FITTING}
        for key, kind in wrong.items():
            if self._types.get(key) != kind:
                log.error("queue_is_no_list", queue=key, type=kind)
        for key in self._types.keys() - wrong.keys():
            log.info("queue_is_a_list_again", queue=key)
        self._types = wrong
        self._until = monotonic() + _LOOK_AGAIN
