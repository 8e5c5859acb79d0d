"""The two steps before `startuprid`: the profile, then the passport. Both may be repeated."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from uprid_client.contract.reason_codes import ReasonCode
from worker.domain.errors import CallFailed
from worker.domain.outcomes import NeedsPerson, NotSent, Outcome, Prepared, Reason
from worker.providers.npd import mapping
from worker.providers.npd.client import NpdClient
from worker.providers.npd.progress import Prints, Progress
from worker.providers.npd.types import Document, Refusal, Unlike
from worker.providers.protocol import Work
from worker.providers.transport.failures import trouble_of


class Preparation:
    """Does one step a call, and none that was done for the same data before."""

    def __init__(self, client: NpdClient, secret: bytes) -> None:
        self._client = client
        self._secret = secret

    def next_step(self, work: Work, payload: Mapping[str, Any]) -> Outcome:
        """Do the first step that is not done yet; only compare where both are."""
        prints = Prints.of(payload, self._secret)
        progress = Progress.of(work.progress)
        try:
            if not prints.has_profile(progress):
                return self._profile(work, payload, prints)
            if not prints.has_document(progress):
                return self._document(work, payload, prints)
        except CallFailed as failure:
            # Whether or not it had its effect: the same data may be sent again.
            return NotSent(failure.note, trouble_of(failure), failure.retry_after)
        return Prepared("stored before", replace(progress, ready=True).stored(), calls=0)

    def _profile(self, work: Work, payload: Mapping[str, Any], prints: Prints) -> Outcome:
        reply = self._client.update_profile(payload)
        if isinstance(reply, Unlike):
            return mapping.not_known(reply)
        if isinstance(reply, Refusal):
            return mapping.refused(reply, work.consecutive_failures)
        progress = prints.with_profile(Progress.of(work.progress))
        return Prepared("profile stored", progress.stored())

    def _document(self, work: Work, payload: Mapping[str, Any], prints: Prints) -> Outcome:
        reply = self._client.update_document(payload)
        if isinstance(reply, Unlike):
            return mapping.not_known(reply)
        if isinstance(reply, Refusal):
            return mapping.refused(reply, work.consecutive_failures)
        if work.args.get("unit_id") not in {None, reply.unit_id}:
            return _another_unit(reply)
        progress = prints.with_document(Progress.of(work.progress), reply)
        return Prepared("passport stored", progress.stored())


def _another_unit(reply: Document) -> NeedsPerson:
    answer = reply.model_dump_json(by_alias=True).encode()
    return NeedsPerson(_ANOTHER_UNIT, "another unit", answer)


_ANOTHER_UNIT: Final = Reason(
    ReasonCode.UNKNOWN_ANSWER,
    "NPD found another unit by the phone than `unit_id` names: retry with the right phone, or "
    "resolve.",
)
