"""Confirms an identification of NPD's by MONETA's profile: identified units change the group."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from config.providers import NpdSettings
from uprid_client.contract.reason_codes import ReasonCode
from uprid_client.contract.states import State
from worker.domain.outcomes import Finished, Misconfigured, NeedsPerson, Outcome, Pending, Reason
from worker.providers.moneta.groups import Group, Membership
from worker.providers.npd.moneta_queries import MonetaQueries, beside
from worker.providers.npd.notification import whole
from worker.providers.npd.progress import Progress
from worker.providers.protocol import Work

#: How often MONETA is asked again after it refused our login: half an hour, with the backoff.
#: NPD goes on meanwhile. Without this limit the wrong login would stay unreported where MONETA has
#: no operations of its own.
LOGIN_ASKED_AGAIN: Final = 10


class Confirmation:
    """Asks which group holds the unit, where the unit is known and MONETA is configured."""

    def __init__(self, settings: NpdSettings, moneta: MonetaQueries | None) -> None:
        self._settings = settings
        self._moneta = moneta

    @property
    def is_possible(self) -> bool:
        """Whether MONETA is configured."""
        return self._moneta is not None

    def of_success(self, work: Work, notification: Mapping[str, Any]) -> Outcome:
        """Compare a SUCCESS with the profile; take it as it is where that is not possible."""
        unit_id = unit_of(work)
        if self._moneta is None or unit_id is None or not self._settings.confirm_by_profile:
            return _succeeded(work, notification)
        looked = self._look(self._moneta, unit_id, work)
        if isinstance(looked, NeedsPerson):
            return replace(looked, answer=whole(notification))
        if not isinstance(looked, Membership):
            return looked
        if looked.group.is_identified:
            return _succeeded(work, notification, looked)
        if looked.group is Group.ANONYMOUS:
            # The move may lag behind the notification.
            progress = Progress.of(work.progress)
            counted = replace(progress, confirmations=progress.confirmations + 1)
            again = self._again(counted.confirmations, counted, looked)
            end: Outcome = again or NeedsPerson(_CONTRADICTED, _note(looked), whole(notification))
        else:
            end = NeedsPerson(_UNKNOWN_GROUP, _note(looked), whole(notification))
        return replace(end, calls=looked.calls)

    def past_deadline(self, work: Work) -> Outcome | None:
        """Ask MONETA how an attempt without a verdict ended; None without MONETA or a unit."""
        unit_id = unit_of(work)
        if self._moneta is None or unit_id is None:
            return None
        looked = self._look(self._moneta, unit_id, work)
        if not isinstance(looked, Membership):
            return looked
        facts = {**looked.facts(), **document_of(work)}
        if looked.group.is_identified:
            passed = {**facts, "verified_by": "profile_group"}
            end: Outcome = Finished(State.SUCCEEDED, _note(looked), result=passed)
        elif looked.group is Group.ANONYMOUS:
            progress = Progress.of(work.progress)
            counted = replace(progress, checks=progress.checks + 1)
            again = self._again(counted.checks, counted, looked)
            end = again or Finished(State.REJECTED, _note(looked), _NOT_IDENTIFIED, facts)
        else:
            end = NeedsPerson(_UNKNOWN_GROUP, _note(looked))
        return replace(end, calls=looked.calls)

    def _look(self, moneta: MonetaQueries, unit_id: int, work: Work) -> Membership | Outcome:
        looked = moneta.group(unit_id, work.progress)
        if isinstance(looked, Misconfigured) and work.consecutive_failures >= LOGIN_ASKED_AGAIN:
            return NeedsPerson(looked.reason, f"moneta: {looked.note}", calls=looked.calls)
        return looked if isinstance(looked, Membership) else beside(looked)

    def _again(self, times: int, progress: Progress, looked: Membership) -> Pending | None:
        """Return the wait for the next look; None after the last one."""
        wanted = self._settings.settle_checks
        if times >= wanted:
            return None
        apart = self._settings.settle_over.total_seconds() / (wanted - 1)
        return Pending(_note(looked), again_in=apart, progress=progress.stored())


def unit_of(work: Work) -> int | None:
    """Return the unit that NPD named, else the one that the marketplace named."""
    unit_id = Progress.of(work.progress).unit_id or work.args.get("unit_id")
    return None if unit_id is None else int(unit_id)


def document_of(work: Work) -> dict[str, Any]:
    """Return the id of the document that NPD stored the passport as, where it named one."""
    document_id = Progress.of(work.progress).doc_id
    return {} if document_id is None else {"document_id": document_id}


def _succeeded(
    work: Work, notification: Mapping[str, Any], looked: Membership | None = None
) -> Finished:
    found = {} if looked is None else looked.facts()
    return Finished(
        State.SUCCEEDED,
        "notification SUCCESS" if looked is None else f"notification SUCCESS, {_note(looked)}",
        result={"verified_by": "notification", **found, **document_of(work)},
        answer=whole(notification),
        calls=0 if looked is None else looked.calls,
    )


def _note(looked: Membership) -> str:
    return f"moneta: {looked.note}"


_CONTRADICTED: Final = Reason(
    ReasonCode.UNKNOWN_ANSWER,
    "NPD told SUCCESS, and MONETA still holds the unit as anonymous: look at MONETA, then resolve.",
)
_NOT_IDENTIFIED: Final = Reason(
    ReasonCode.NOT_IDENTIFIED,
    "MONETA did not identify the person in time: check the data and retry.",
    retryable=True,
)
_UNKNOWN_GROUP: Final = Reason(
    ReasonCode.UNKNOWN_ANSWER,
    "The unit is in a group that no setting names: look at MONETA and resolve by hand.",
)
