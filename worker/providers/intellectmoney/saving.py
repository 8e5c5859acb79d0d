"""Creating or editing a scheduled operation: written once, and never again.

Where a write was queued, or its reply never came, the list shows the outcome. Before a create the
object's ids are kept. Afterwards exactly one new operation that is listed as it was sent is ours,
unless another save of ours may have made it. An edit is done once the operation is listed as it was
sent. Anything else is decided by a person.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final, assert_never

from config.polling import PollPolicy
from uprid_client.contract.states import State
from uprid_client.errors import DatabaseUnavailable
from worker.domain.errors import CallFailed
from worker.domain.outcomes import (
    Doubtful,
    Finished,
    Misconfigured,
    NeedsPerson,
    NotSent,
    Outcome,
    Pending,
    Prepared,
    Trouble,
)
from worker.providers.access_tokens import LOOK_AGAIN, AccessToken
from worker.providers.intellectmoney import confirmation
from worker.providers.intellectmoney.access_tokens import AccessTokens, NoAccessToken, Questions
from worker.providers.intellectmoney.answers import Done, Failed, Queued, Scheduled
from worker.providers.intellectmoney.client import Client
from worker.providers.intellectmoney.confirmation import Listed
from worker.providers.intellectmoney.endings import (
    OPERATION_ERROR,
    before_the_start,
    is_over,
    not_known,
)
from worker.providers.intellectmoney.fetching import listing_of
from worker.providers.intellectmoney.mapping import is_as_sent
from worker.providers.intellectmoney.paging import Page, Place, Waiting, read_page
from worker.providers.intellectmoney.parsing import saved_in
from worker.providers.intellectmoney.progress import Progress
from worker.providers.intellectmoney.requests import change_asked
from worker.providers.protocol import Work
from worker.providers.resources import Siblings
from worker.providers.transport.failures import trouble_of

#: No object has that many operations: such pages are made up.
_MOST_PAGES: Final = 100


class Saving:
    """Saves a scheduled operation."""

    def __init__(
        self,
        client: Client,
        access_tokens: AccessTokens,
        policy: PollPolicy,
        date_format: str,
        siblings: Siblings | None,
    ) -> None:
        self._siblings = siblings
        self._client = client
        self._access_tokens = access_tokens
        self._policy = policy
        self._date_format = date_format

    def prepares(self, progress: Mapping[str, Any]) -> bool:
        """Return whether a token or the list is needed before the write."""
        return not Progress.of(progress).ready

    def prepare(self, work: Work) -> Outcome:
        """Get a token, so that the write does not fail without one; list before a create."""
        questions = Questions(self._access_tokens, Progress.of(work.progress))
        outcome: Outcome
        if confirmation.is_create(work):
            outcome = confirmation.listed_before(self._list(work, questions), work)
        else:
            access_token = questions.access_token()
            outcome = (
                Prepared("token at hand", Progress(ready=True).stored())
                if isinstance(access_token, AccessToken)
                else access_token
            )
        outcome = replace(outcome, calls=questions.calls)
        return before_the_start(work, outcome, self._policy)

    def submit(self, work: Work) -> Outcome:
        """Write; what was listed before a write that is not made is listed anew before the next."""
        if confirmation.is_stale(work):
            return NotSent(
                "listed too long ago",
                Trouble.DEPENDENCY,
                calls=0,
                progress=Progress.of(work.progress).unlisted().stored(),
            )
        questions = Questions(self._access_tokens, Progress.of(work.progress))
        change = change_asked(work.args["operation"], self._date_format)
        try:
            reply = questions.ask(lambda access_token: self._client.save(access_token, change))
        except CallFailed as failure:
            trouble, wait = trouble_of(failure), failure.retry_after
            if failure.never_sent:
                return NotSent(
                    failure.note,
                    trouble,
                    wait,
                    questions.calls,
                    progress=Progress.of(work.progress).unlisted().stored(),
                )
            return Doubtful(failure.note, trouble, wait, calls=questions.calls)
        outcome = replace(confirmation.written(reply, work), calls=questions.calls)
        if isinstance(outcome, NotSent | Misconfigured):
            return replace(outcome, progress=Progress.of(work.progress).unlisted().stored())
        return outcome

    def clear_up(self, work: Work) -> Outcome:
        """Look into the list for what a doubtful write would have made."""
        questions = Questions(self._access_tokens, Progress.of(work.progress))
        listed = self._list(work, questions)
        outcome: Outcome
        if isinstance(listed, Listed):
            outcome = confirmation.confirmed(listed) or confirmation.doubted(work)
        else:
            outcome = confirmation.in_time(listed, work) if is_over(work) else listed
        return replace(outcome, calls=questions.calls)

    def poll(self, work: Work) -> Outcome:
        """Ask for the queued write's result, or look for it in the list."""
        questions = Questions(self._access_tokens, Progress.of(work.progress))
        outcome: Outcome
        if self._client.fetches_results and work.provider_ref is not None:
            outcome = self._result(work.provider_ref, questions, work)
        else:
            listed = self._list(work, questions)
            if isinstance(listed, Listed):
                still = Pending(
                    "not listed yet", progress=Progress.of(work.progress).without_list().stored()
                )
                outcome = confirmation.confirmed(listed) or still
            else:
                outcome = listed
        return replace(outcome, calls=questions.calls)

    def settle(self, work: Work) -> Outcome:
        """Ask once more; leave an unknown outcome to a person."""
        return confirmation.in_time(self.poll(work), work)

    def carried_over(self, progress: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the list that was made before the write, which cannot be made again.

        An attempt that wrote nothing is not `READY` and lists anew all the same: by an old list
        another sender's operation would be taken for ours.
        """
        return Progress(before=Progress.of(progress).before).stored()

    def _result(self, operation_id: str, questions: Questions, work: Work) -> Outcome:
        reply = questions.read(
            partial(self._client.result, operation_id=operation_id, pick=saved_in)
        )
        match reply:
            case Done():
                return confirmation.done(reply, work)
            case Queued():
                return Pending(
                    "queued", progress=Progress.of(work.progress).without_list().stored()
                )
            case Failed():
                return confirmation.failed(OPERATION_ERROR, reply.answer)
            case _:
                return reply

    def _doubt_by_siblings(
        self, wanted: Sequence[Scheduled], work: Work
    ) -> NeedsPerson | Pending | None:
        """Leave it to a person where another save of ours may have made the operation."""
        if self._siblings is None or not confirmation.is_create(work):
            return None
        try:
            others = [each["operation"] for each in self._siblings.of(work.id)]
        except DatabaseUnavailable:
            return Pending("database away", again_in=LOOK_AGAIN)
        creates = [each for each in others if each.get("operation_id") is None]
        if any(is_as_sent(each, other) for each in wanted for other in creates):
            return NeedsPerson(confirmation.DOUBTFUL, "another save of the same")
        return None

    def _list(self, work: Work, questions: Questions) -> Listed | Finished | NoAccessToken:
        """Read a page of the list: of the object before and after a create, else of the edited."""
        operation = work.args["operation"]
        chosen = "object_id" if confirmation.is_create(work) else "operation_id"
        listing = listing_of(self._client, {chosen: operation[chosen]}, self._date_format)
        reply = read_page(self._client, questions, listing, Place.of(Progress.of(work.progress)))
        found = list(Progress.of(work.progress).found or ())
        match reply:
            case Page():
                wanted = [each for each in reply.items if confirmation.is_wanted(each, work)]
                if confirmation.is_written(work) and wanted:
                    doubt = self._doubt_by_siblings(wanted, work)
                    if doubt is not None:
                        return doubt
                found += [each.operation_id for each in wanted]
                if reply.is_last:
                    return Listed(list(dict.fromkeys(found)))
                if reply.place.pages >= _MOST_PAGES:
                    return NeedsPerson(confirmation.ENDLESS, "too many pages")
                progress = confirmation.reading(Progress.of(work.progress), found, reply.place)
                return Pending("page listed", again_in=0.0, progress=progress)
            case Waiting():
                progress = confirmation.reading(Progress.of(work.progress), found, reply.place)
                return Pending("list is queued", as_after=reply.place.waits, progress=progress)
            case Failed() if work.state is State.ACCEPTED:
                return confirmation.never_written(reply.answer)
            case Failed():
                # It says nothing of the write.
                return not_known(
                    f"list: {OPERATION_ERROR}", Progress.of(work.progress), reply.answer
                )
            case Pending() | NeedsPerson() | Misconfigured():
                return reply
            case _:
                assert_never(reply)
