"""The state of an attempt's SMS codes, by what we sent and not by what Mandarin replies."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from worker.providers.mandarin.progress import Progress
from worker.providers.protocol import Work

#: Codes that one session takes (page 004).
CODES: Final = 5
#: Seconds after a code at which it is no longer on its way: a status that knows nothing of it
#: never will.
UNDER_WAY: Final = 60.0


class Handed(StrEnum):
    """The result of sending the last code."""

    TAKEN = "taken"
    REFUSED = "refused"
    #: No reply was stored: it may have arrived, be on its way, or be lost.
    DOUBTFUL = "doubtful"


@dataclass(frozen=True, slots=True)
class CodeState:
    """What we know of an attempt's codes when a status comes."""

    #: Codes sent, doubtful ones included.
    sent: int
    #: A code is asked for already.
    asked: bool
    #: None: no code was sent.
    handed: Handed | None
    #: Seconds since the last code was about to be sent; None: there is none, or it is not known.
    since: float | None
    #: Polls since the last code.
    looks: int

    @property
    def left(self) -> int:
        """How many codes may still be sent."""
        return max(CODES - self.sent, 0)

    @property
    def is_quiet(self) -> bool:
        """Whether no code is on its way."""
        return self.since is None or self.since >= UNDER_WAY

    def looked(self) -> "CodeState":
        """Return the state after one more poll."""
        return replace(self, looks=self.looks + 1)

    def after(self, handed: Handed) -> "CodeState":
        """Return the state after the last code was handed over."""
        return replace(self, handed=handed)

    def as_progress(self) -> Progress:
        """Return what is to be remembered; all that was counted of unknown answers is forgotten."""
        handed = None if self.handed is None else self.handed.value
        return Progress(code=self.sent, handed=handed, looks=self.looks)


def code_state_of(work: Work) -> CodeState:
    """Return what is known of an attempt's codes."""
    # What was noted of an earlier code says nothing of this one.
    progress = Progress.of(work.progress)
    noted = progress if progress.code == work.inputs_sent else Progress()
    handed = Handed(noted.handed or Handed.DOUBTFUL) if work.inputs_sent else None
    sent_at = work.input_sent_at
    since = None if sent_at is None else (work.now - sent_at).total_seconds()
    asked = work.missing is not None
    return CodeState(work.inputs_sent, asked, handed, since, noted.looks or 0)
