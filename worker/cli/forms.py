"""Which arguments the tasks take that a file may name. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from config.queues import Provider, Task


class Payload(StrEnum):
    """Whether a task takes what is sealed."""

    NEEDED = "needed"
    ALLOWED = "allowed"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Form:
    """The arguments of a task."""

    payload: Payload
    #: In clear, beside the reference; those that are left out are the worker's to miss.
    clear: frozenset[str] = frozenset()
    #: Those of them that hold a JSON object.
    objects: frozenset[str] = frozenset()
    has_reference: bool = True


_FILTERS: Final = Form(Payload.NONE, frozenset({"filters"}), frozenset({"filters"}))
_OPERATION: Final = Form(Payload.NONE, frozenset({"operation"}), frozenset({"operation"}))

#: What may be enqueued for each provider.
FORMS: Final[Mapping[Provider, Mapping[Task, Form]]] = {
    Provider.MONETA: {
        Task.MONETA_START: Form(Payload.ALLOWED, frozenset({"unit_id"})),
        Task.MONETA_CALLBACK: Form(Payload.NONE, frozenset({"async_id"}), has_reference=False),
    },
    Provider.NPD: {
        Task.NPD_START: Form(Payload.NEEDED, frozenset({"unit_id"})),
        Task.NPD_NOTIFICATION: Form(Payload.NEEDED, has_reference=False),
    },
    Provider.MANDARIN: {
        Task.MANDARIN_START: Form(Payload.NEEDED),
        Task.MANDARIN_CODE: Form(Payload.NEEDED),
    },
    Provider.INTELLECTMONEY: {
        Task.INTELLECTMONEY_INVOICES: _FILTERS,
        Task.INTELLECTMONEY_LIST: _FILTERS,
        Task.INTELLECTMONEY_SAVE: _OPERATION,
    },
}
