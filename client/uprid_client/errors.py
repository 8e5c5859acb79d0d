"""Errors of the client and of the contract. A class's docstring is its message."""

from collections.abc import Sequence

from uprid_client.contract.refusal_codes import RefusalCode


class UpridError(Exception):
    """Something went wrong in the worker."""

    def __init__(self, detail: str = "") -> None:
        first_line = (type(self).__doc__ or "").strip().splitlines()[0]
        super().__init__(f"{first_line} {detail}".strip())


class Refused(UpridError):
    """The message cannot be taken."""

    def __init__(
        self,
        reason: str,
        fields: Sequence[str] = (),
        code: RefusalCode = RefusalCode.INVALID_MESSAGE,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.fields = tuple(fields)
        self.code = code


class Unsealable(UpridError):
    """A sealed value does not open with any of the keys."""


class DatabaseUnavailable(UpridError):
    """The database does not answer."""


class DatabaseRefused(DatabaseUnavailable):
    """The database refuses."""


class BrokerUnavailable(UpridError):
    """The broker cannot be used."""

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail[:1].upper() + detail[1:])


class MessageTooLarge(UpridError):
    """The message is too large to be sent."""


class StreamUnusable(UpridError):
    """The result stream cannot be used."""
