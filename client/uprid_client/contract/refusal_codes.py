"""Why a message was refused, as a code for programs."""

from enum import StrEnum


class RefusalCode(StrEnum):
    """The codes of `uprid.message.refused`."""

    INVALID_MESSAGE = "invalid_message"
    UNKNOWN_TASK = "unknown_task"
    TOO_LARGE = "too_large"
    UNREADABLE = "unreadable"
    PROVIDER_OFF = "provider_off"
    REFERENCE_CONFLICT = "reference_conflict"
