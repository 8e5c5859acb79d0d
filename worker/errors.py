"""One tree of errors. A class's docstring is its message; attributes carry ids, never values."""

from collections.abc import Sequence

from worker.refusal_codes import RefusalCode


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


class ProviderOff(UpridError):
    """The provider has no settings."""


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


class SchemaUnusable(UpridError):
    """The database's schema is not one that this release can work on."""


class SchemaOutdated(SchemaUnusable):
    """The database's schema is not the newest: run `uprid migrate`."""


class SchemaTooNew(SchemaUnusable):
    """The database's schema is too new for this release: start the release that made it."""


class SchemaElsewhere(SchemaUnusable):
    """The database's tables are in another schema than the one that is asked."""


class WouldLose(UpridError):
    """Going back would lose what is ours, so nothing was changed."""


class IllegalMove(UpridError):
    """An operation may not go from one state to another: our own mistake."""


class CallFailed(UpridError):
    """A request got no usable reply."""

    #: Whether the request certainly never reached the provider.
    never_sent = False
    #: A word for the journal.
    note = "transport"

    def __init__(self, detail: str = "", retry_after: float | None = None) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class ConnectionRefused(CallFailed):
    """No connection could be made: nothing was sent."""

    never_sent = True
    note = "connection refused"


class ConnectionBroken(CallFailed):
    """The connection broke before the reply was whole."""

    note = "connection broken"


class TimedOut(CallFailed):
    """No whole reply came within the time limit."""

    note = "timed out"


class ReplyTooLarge(CallFailed):
    """The reply is larger than the limit."""

    note = "reply too large"


class Redirected(CallFailed):
    """The provider answered with a redirect, which is never followed."""

    note = "redirect refused"


class ReplyUnreadable(CallFailed):
    """The reply is not what the provider's protocol allows."""

    note = "unreadable reply"
