"""One tree of errors. A class's docstring is its message; attributes carry ids, never values."""

from uprid_client.errors import (
    UpridError,
)


class ProviderOff(UpridError):
    """The provider has no settings."""


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


class IllegalTransition(UpridError):
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
