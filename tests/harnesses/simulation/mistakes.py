"""The ordinary mistakes of the mutation check.

A comparison is turned round, a `+ 1` or a column is missing. Each is in one place of a line that a
promise depends on. The seeds notice most of them. Those that no seed notices are in left.py, with
the test that does.
"""

from collections.abc import Mapping
from typing import Final

from tests.harnesses.simulation import stream as stream_double
from tests.harnesses.simulation.breaking import Mutation, Slip
from worker.engine import (
    admission,
    calls,
    decisions,
    health,
    held,
    incarnation,
    picking,
    recording,
)
from worker.store import (
    actions,
    callbacks,
    claims,
    input_delivery,
    inputs,
    leases,
    messages,
    notifications,
    outbox,
    resolutions,
    retries,
    schedule,
    transitions,
    writeback,
)
from worker.stream import relay

_DECISION: Final = decisions._Decision


def _slip(what: str, breaks: str, *places: Slip) -> Mutation:
    return Mutation(what, breaks, slips=places)


#: Claims, leases and the count of claims.
LEASES: Final[Mapping[str, Mutation]] = {
    "keep-the-claims-of-the-parked": _slip(
        "parking does not reset the claims", "2, 8: poison is parked once",
        Slip(leases, "park_poison", "            claims=0,\n", ""),
    ),
    "count-no-claim": _slip(
        "a claim is not counted", "8: poison waits for a person",
        Slip(claims, "_lease", "claims=OPERATIONS.c.claims + 1", "claims=OPERATIONS.c.claims"),
    ),
    "count-answered-claims": _slip(
        "a write-back does not reset the claims", "2: only poison is parked",
        Slip(writeback, "_UNCHANGED", ", claims = 0", ""),
    ),
    "count-given-back-claims": _slip(
        "an operation that is given back without a call keeps the count of its claim",
        "2: only poison is parked",
        Slip(writeback, "give_back", ", claims=OPERATIONS.c.claims - 1", ""),
    ),
    "take-suspects-along": _slip(
        "a suspect is claimed together with others", "8: poison harms no other operation",
        Slip(claims, "claim", ", OPERATIONS.c.claims < SUSPECT_AFTER", ""),
    ),
    "poison-a-claim-too-late": _slip(
        "poison is parked one claim too late", "8: poison waits for a person",
        Slip(leases, "POISON_AFTER", "4", "5"),
    ),
    "free-the-living": _slip(
        "a process that beats in time is called silent", "2, 3: a lease lasts",
        Slip(leases, "free_silent", "now - silence", "now + silence"),
    ),
    "free-what-is-worked-on": _slip(
        "a heartbeat frees operations that its process works on", "2, 3: a lease lasts",
        Slip(held.Held, "left", "set(found) - self._working.keys()", "set(found)"),
    ),
    "judge-without-a-pulse": _slip(
        "a process whose own heartbeat was not steady calls others silent", "2, 3: a lease lasts",
        Slip(
            incarnation.Incarnation, "may_call_silent", "self._pulse.may_call_silent(now)", "True",
        ),
    ),
    "doubt-no-lease": _slip(
        "a process without a recent heartbeat goes on calling",
        "3: a process without its lease makes no call",
        Slip(incarnation.Incarnation, "halted", "not self._pulse.is_good()", "False"),
    ),
    "leave-with-the-leases": _slip(
        "the operations of a stopping process stay leased", "4: due operations go on in seconds",
        Slip(leases, "_free", "lease_token=None, lease_owner=None", "lease_owner=None"),
    ),
    "overlook-the-polls": _slip(
        "the sweep wakes submits only, not polls", "4: due operations go on in seconds",
        Slip(schedule, "overdue", "(URGENT, ORDINARY)", "(URGENT,)"),
    ),
    "take-the-newest-first": _slip(
        "a claim takes what became due last before the rest", "2: nothing waits without end",
        Slip(claims, "_due", "OPERATIONS.c.due_at)\n    )", "OPERATIONS.c.due_at.desc())\n    )"),
    ),
}  # fmt: skip

#: Rate, breaker and rest.
GATE: Final[Mapping[str, Mutation]] = {
    "forget-anothers-rest": _slip(
        "a chunk forgets the rest that another chunk learned", "8: a sick provider rests",
        Slip(
            admission, "fed", "[] if shared.closed_until is None else [shared.closed_until]", "[]",
        ),
    ),
    "fill-beyond-capacity": _slip(
        "the bucket fills beyond its capacity", "8: the rate is never exceeded",
        Slip(
            admission, "refilled",
            "min(capacity(limits), shared.tokens", "max(0.0, shared.tokens",
        ),
    ),
    "spend-one-token": _slip(
        "a chunk spends one token, however much it claims", "8: the rate is never exceeded",
        Slip(admission, "spent", "max(claimed, 1)", "1"),
    ),
    "fill-since-long-ago": _slip(
        "a claim does not store the time up to which the bucket is filled",
        "8: the rate is never exceeded",
        Slip(admission, "spent", "tokens_at=max(now, shared.tokens_at),", ""),
    ),
    "probe-in-crowds": _slip(
        "a probe is not marked as under way", "8: no stampede at a sick provider",
        Slip(admission, "spent", "if granted.probing:", "if granted.probing and not claimed:"),
    ),
    "probe-with-a-submit": _slip(
        "a submit may probe a sick provider", "3, 8: a probe is harmless",
        Slip(picking.Picker, "pick_harmless", "in HARMLESS", "is not None"),
    ),
    "ask-the-paused": _slip(
        "a paused provider is called", "a pause stops all calls",
        Slip(admission, "grant", "if shared.paused:", "if shared.paused and shared.failures:"),
    ),
    "remember-every-failure": _slip(
        "an answer does not reset the failures in a row", "8: a healthy provider is called",
        Slip(admission, "fed", "0 if health.any_answered else shared.failures", "shared.failures"),
    ),
    "ignore-retry-after": _slip(
        "Retry-After counts for its own operation only", "8: a sick provider rests",
        Slip(
            health.HealthWatch, "_failed", "max(self._rest, outcome.retry_after)", "self._rest",
        ),
    ),
}  # fmt: skip

#: What an answer means for an operation.
DECISIONS: Final[Mapping[str, Mutation]] = {
    "yield-no-poll": _slip(
        "an end found by a poll does not yield to a notification", "7: a notification counts",
        Slip(_DECISION, "_may_be_asked_again", "Call.POLL, ", ""),
    ),
    "plan-past-the-deadline": _slip(
        "a poll is planned past the deadline", "2: an expiry is published in time",
        Slip(_DECISION, "_not_past", "min(due, max(deadline, self.now))", "due"),
    ),
    "count-no-poll": _slip(
        "polls are not counted", "no more polls than the schedule allows",
        Slip(_DECISION, "__init__", "(answer.outcome.calls if asked else 0)", "0"),
    ),
    "write-no-poll-down": _slip(
        "the count of polls is left out of the UPDATE", "no more polls than the schedule allows",
        Slip(writeback, "_UNCHANGED", "polls = v.polls, ", ""),
    ),
    "forget-the-providers-id": _slip(
        "the provider's id is left out of the UPDATE", "1: an answer belongs to its own attempt",
        Slip(transitions, "_TRANSITION", "provider_ref = v.provider_ref, ", ""),
    ),
    "forget-the-earlier-state": _slip(
        "the earlier state is left out of the UPDATE",
        "2: a waiting operation goes on from its earlier state",
        Slip(
            transitions, "_TRANSITION", "waiting_from = v.waiting_from, ", "waiting_from = NULL, ",
        ),
    ),
    "end-no-attempt": _slip(
        "the end of an attempt is left out of its row", "5, 6: an attempt ends with its operation",
        Slip(
            transitions, "_ATTEMPT",
            "ended_as = COALESCE(v.ended_as, a.ended_as)",
            "ended_as = a.ended_as",
        ),
    ),
    "follow-no-hint": _slip(
        "of two due times the later one counts", "a hint leads to an earlier poll",
        Slip(writeback, "_UNCHANGED", "o.wanted_at < v.next_at", "o.wanted_at > v.next_at"),
    ),
    "supply-nothing": _slip(
        "a code is supplied although none waits", "2: every operation ends",
        Slip(calls, "next_call", "snapshot.inputs_waiting > 0", "snapshot.inputs_waiting >= 0"),
    ),
    "settle-a-poll-too-early": _slip(
        "an attempt is settled before its deadline", "7: a running task is polled",
        Slip(calls, "next_call", "now < snapshot.deadline_at", "snapshot.due_at > now"),
    ),
    "back-off-no-further": _slip(
        "failed polls in a row are not counted", "8: a sick provider is left alone",
        Slip(
            _DECISION, "pending",
            "else self.consecutive_failures + 1", "else self.consecutive_failures",
        ),
    ),
    "keep-late-answers": _slip(
        "an answer that comes after its lease was lost is not published", "2: nothing disappears",
        Slip(
            recording.Recorder, "record",
            "self._result_writer.write_late_answers(late, now)", "pass",
        ),
    ),
    "forget-the-deadline": _slip(
        "the provider's deadline is left out of the UPDATE", "2: an expiry is published in time",
        Slip(transitions, "_TRANSITION", "deadline_at = v.deadline_at, ", ""),
    ),
}  # fmt: skip

#: Codes and notifications.
SUPPLIED: Final[Mapping[str, Mutation]] = {
    "forget-an-unsent-code": _slip(
        "a code that was not sent is forgotten", "3: a code is sent exactly once",
        Slip(input_delivery, "settle", '{"sent_at": None} if returned else ', ""),
    ),
    "return-no-code": _slip(
        "a code that was not sent counts as sent", "3: a code is sent exactly once",
        Slip(_DECISION, "_returned", "input_returned=True", "input_returned=False"),
    ),
    "send-a-code-again": _slip(
        "a code that is on its way is sent again", "3: an SMS code is counted before it is sent",
        Slip(input_delivery, "mark_supplying", "            INPUTS.c.sent_at.is_(None),\n", ""),
    ),
    "count-no-code": _slip(
        "a code that is sent is not counted", "3: a sixth code is never sent",
        Slip(
            input_delivery, "mark_supplying",
            "OPERATIONS.c.inputs_sent + 1",
            "OPERATIONS.c.inputs_sent",
        ),
    ),
    "take-a-sixth-code": _slip(
        "a sixth code is taken", "3: a sixth code is never sent",
        Slip(inputs, "offer", "count >= given.limit", "count > given.limit"),
    ),
    "take-a-code-twice": _slip(
        "the same code counts twice", "3: a billed call is made once",
        Slip(
            inputs, "_has",
            "INPUTS.c.fingerprint == fingerprint",
            "INPUTS.c.fingerprint.is_(None)",
        ),
    ),
    "count-no-code-back": _slip(
        "a code that was not sent stays counted", "3: a code is sent exactly once",
        Slip(transitions, "_TRANSITION", "o.inputs_sent - v.returned", "o.inputs_sent"),
    ),
    "wake-the-ended": _slip(
        "a notification wakes an operation that has ended", "2: an end is final",
        Slip(notifications, "receive", " or operation.state not in _OPEN", ""),
    ),
    "attach-nothing": _slip(
        "a notification that came before its id was known is not found", "7: a notification counts",
        Slip(
            writeback, "write_transitions",
            "transition.accepts_notifications", "transition.accepts_notifications > 1",
        ),
    ),
    "wake-with-the-origin": _slip(
        "an operation that goes on keeps its stored earlier state",
        "2: a waiting operation goes on from its earlier state",
        Slip(notifications, "_wake", "            waiting_from=None,\n", ""),
    ),
    "hint-what-is-sooner": _slip(
        "a hint postpones an operation that is due sooner", "a hint leads to an earlier poll",
        Slip(callbacks, "hasten", "OPERATIONS.c.due_at > due_at", "OPERATIONS.c.due_at < due_at"),
    ),
}  # fmt: skip

#: Actions of people.
PEOPLE: Final[Mapping[str, Mutation]] = {
    "resume-from-an-unknown-state": _slip(
        "a resume submits again although the submit may have been made",
        "3: a billed call is made once",
        Slip(
            resolutions, "resume",
            "waiting_from or State.SUBMITTING", "waiting_from or State.ACCEPTED",
        ),
    ),
    "resume-with-a-submit": _slip(
        "a resume of a doubtful submit submits again", "3: a billed call is made once",
        Slip(
            resolutions, "resume", "    known_ref = ",
            "    to = State.ACCEPTED if to is State.SUBMITTING else to\n    known_ref = ",
        ),
    ),
    "cancel-and-hold": _slip(
        "a cancelled operation stays leased", "4: no lease is held without end",
        Slip(resolutions, "_freed", "lease_id=None, lease_owner=None, claims=0, ", ""),
    ),
    "cancel-and-poll": _slip(
        "an operation that a person ended stays due", "2: an end is final",
        Slip(resolutions, "_end", "due_at=None, ", ""),
    ),
    "act-on-any-attempt": _slip(
        "an action for one attempt is applied to another", "1: a message counts once",
        Slip(actions, "admit", "if found.attempt != action.attempt:", "if found.attempt < 0:"),
    ),
    "retry-with-the-old-id": _slip(
        "a next attempt keeps the provider's id of the last one",
        "1: an answer belongs to its own attempt",
        Slip(
            retries, "retry",
            "        lane=URGENT,\n",
            "        lane=URGENT, provider_ref=found.provider_ref,\n",
        ),
    ),
    "retry-with-the-old-codes": _slip(
        "a next attempt keeps the codes of the last one", "3: codes are counted",
        Slip(
            retries, "retry",
            "        lane=URGENT,\n",
            "        lane=URGENT, inputs_sent=found.inputs_sent,\n"
            "        inputs_waiting=found.inputs_waiting, input_sent_at=found.input_sent_at,\n"
            "        missing=found.missing, notifications=found.notifications,\n",
        ),
    ),
    "know-every-start": _slip(
        "other data under a known reference count as the same", "1: other data are refused",
        Slip(messages, "is_known", ", ATTEMPTS.c.fingerprint == fingerprint", ""),
    ),
    "know-no-start": _slip(
        "the same data under a known reference count as other data",
        "1: the same start again is harmless",
        Slip(messages, "is_known", "return same is not None", "return same is None"),
    ),
}  # fmt: skip

#: Outbox and stream.
STREAM: Final[Mapping[str, Mutation]] = {
    "believe-a-remembered-id": _slip(
        "a remembered id beyond the stream's end counts as published",
        "4: the stream is filled again",
        # The line of the double. left.py has the line of the real stream.
        Slip(
            stream_double.MemoryStream, "append",
            "found is None or all(id_ != found for id_, _ in reversed(self.entries))",
            "found is None",
        ),
    ),
    "publish-the-newest-first": _slip(
        "the newest events are published first", "5: events come in order",
        Slip(outbox, "unpublished", "order_by(OUTBOX.c.seq)", "order_by(OUTBOX.c.seq.desc())"),
    ),
    "refill-one-short": _slip(
        "a refill begins one event too late", "4: the stream is filled again",
        Slip(outbox, "begin_refill", "int(first) - 1", "int(first)"),
    ),
    "refill-not-to-the-end": _slip(
        "a refill ends one event too early", "4: the stream is filled again",
        Slip(outbox, "_is_lost", "OUTBOX.c.seq <= what.until", "OUTBOX.c.seq < what.until"),
    ),
    "refill-from-the-later": _slip(
        "of two losses only the smaller one is refilled", "4: the stream is filled again",
        Slip(outbox, "begin_refill", "min(there, pending.there)", "max(there, pending.there)"),
    ),
    "note-what-may-be-lost": _slip(
        "a relay that slept marks events as published that the server has lost",
        "4: the stream is filled again",
        Slip(relay.Relay, "_record", "if position != known:", "if position is None:"),
    ),
    "stop-before-the-newest": _slip(
        "the stored position leaves out the last batch", "4: the stream is filled again",
        Slip(relay.Relay, "_record", "[appended.last_id, *appended.ids]", "[appended.last_id]"),
    ),
    "compare-ids-as-text": _slip(
        "the newest stream id is found by comparing text", "4: the stream is filled again",
        Slip(
            relay.Relay, "_record", "max(map(padded, [appended.last_id, *appended.ids]))",
            "padded(max([appended.last_id, *appended.ids]))",
        ),
    ),
}  # fmt: skip

MISTAKES: Final[Mapping[str, Mutation]] = {
    **LEASES, **GATE, **DECISIONS, **SUPPLIED, **PEOPLE, **STREAM,
}  # fmt: skip
