"""The mutation check's ordinary mistakes: a comparison turned round, a `+ 1` or a column forgotten.

Each is one place of a line that bears a promise. The seeds see most of them; those that they do not
see are in left.py, with the test that does.
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
    intake,
    leases,
    notifications,
    outbox,
    resolutions,
    retries,
    schedule,
    transitions,
    writeback,
)
from worker.stream import relay

_TURN: Final = decisions._Turn


def _slip(what: str, breaks: str, *places: Slip) -> Mutation:
    return Mutation(what, breaks, slips=places)


#: What is claimed, under which lease, and how often.
LEASES: Final[Mapping[str, Mutation]] = {
    "keep-the-claims-of-the-parked": _slip(
        "parking does not forget the claims", "2, 8: poison is parked once",
        Slip(leases, "park_poison", "            claims=0,\n", ""),
    ),
    "count-no-claim": _slip(
        "a claim is not counted", "8: poison waits for a person",
        Slip(claims, "_lease", "claims=OPERATIONS.c.claims + 1", "claims=OPERATIONS.c.claims"),
    ),
    "count-answered-claims": _slip(
        "a write-back does not forget the claims", "2: only poison is parked",
        Slip(writeback, "_UNCHANGED", ", claims = 0", ""),
    ),
    "count-given-back-claims": _slip(
        "what is given back unasked counts as claimed in vain", "2: only poison is parked",
        Slip(writeback, "give_back", ", claims=OPERATIONS.c.claims - 1", ""),
    ),
    "take-suspects-along": _slip(
        "what its chunk died with before is claimed with others", "8: poison hurts nobody else",
        Slip(claims, "claim", ", OPERATIONS.c.claims < SUSPECT_AFTER", ""),
    ),
    "poison-a-claim-too-late": _slip(
        "poison is parked one claim too late", "8: poison waits for a person",
        Slip(leases, "POISON_AFTER", "4", "5"),
    ),
    "free-the-lively": _slip(
        "who beats within the silence is called silent", "2, 3: a lease lasts",
        Slip(leases, "free_silent", "now - silence", "now + silence"),
    ),
    "free-what-is-worked-on": _slip(
        "a beat frees what its process works on", "2, 3: a lease lasts",
        Slip(held.Held, "left", "set(found) - self._working.keys()", "set(found)"),
    ),
    "judge-as-one-likes": _slip(
        "who could not beat itself calls others silent", "2, 3: a lease lasts",
        Slip(
            incarnation.Incarnation, "may_call_silent", "self._pulse.may_call_silent(now)", "True",
        ),
    ),
    "doubt-no-lease": _slip(
        "who has not beaten for long goes on asking", "3: a lost lease asks nothing",
        Slip(incarnation.Incarnation, "halted", "not self._pulse.is_good()", "False"),
    ),
    "leave-with-the-leases": _slip(
        "who leaves keeps its row, and its leases with it", "4: what is due goes on in seconds",
        Slip(leases, "_free", "lease_token=None, lease_owner=None", "lease_owner=None"),
    ),
    "oversee-the-polls": _slip(
        "the sweep looks at the submits alone", "4: what is due goes on in seconds",
        Slip(schedule, "overdue", "(URGENT, ORDINARY)", "(URGENT,)"),
    ),
    "take-the-newest-first": _slip(
        "a claim takes what became due last", "2: nothing waits for ever",
        Slip(claims, "_due", "OPERATIONS.c.due_at)\n    )", "OPERATIONS.c.due_at.desc())\n    )"),
    ),
}  # fmt: skip

#: The gate: rate, breaker, rest.
GATE: Final[Mapping[str, Mutation]] = {
    "forget-anothers-rest": _slip(
        "a rest that another chunk learned is forgotten by this one", "8: a sick provider rests",
        Slip(
            admission, "fed", "[] if shared.closed_until is None else [shared.closed_until]", "[]",
        ),
    ),
    "fill-beyond-the-brim": _slip(
        "the bucket fills up without end", "8: the rate is never exceeded",
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
        "a claim does not say until when the bucket was filled", "8: the rate is never exceeded",
        Slip(admission, "spent", "tokens_at=max(now, shared.tokens_at),", ""),
    ),
    "probe-in-crowds": _slip(
        "a probe does not say that it is under way", "8: no stampede at a sick provider",
        Slip(admission, "spent", "if granted.probing:", "if granted.probing and not claimed:"),
    ),
    "probe-with-a-submit": _slip(
        "what costs may try whether a sick provider is back", "3, 8: a probe is harmless",
        Slip(picking.Picker, "pick_harmless", "in HARMLESS", "is not None"),
    ),
    "ask-the-paused": _slip(
        "a provider that is paused is called", "a pause stops all calls",
        Slip(admission, "grant", "if shared.paused:", "if shared.paused and shared.failures:"),
    ),
    "remember-every-failure": _slip(
        "an answer does not end the row of failures", "8: a healthy provider is called",
        Slip(admission, "fed", "0 if health.any_answered else shared.failures", "shared.failures"),
    ),
    "hear-no-retry-after": _slip(
        "Retry-After is heard by nobody but its operation", "8: a sick provider rests",
        Slip(
            health.HealthWatch, "_failed", "max(self._rest, outcome.retry_after)", "self._rest",
        ),
    ),
}  # fmt: skip

#: What an answer makes of an operation.
DECISIONS: Final[Mapping[str, Mutation]] = {
    "yield-no-poll": _slip(
        "an end found by a poll does not yield to a notification", "7: what was told counts",
        Slip(_TURN, "_may_be_asked_again", "Call.POLL, ", ""),
    ),
    "plan-past-the-deadline": _slip(
        "a poll is planned past the deadline", "2: what expires is told in time",
        Slip(_TURN, "_not_past", "min(due, max(deadline, self.now))", "due"),
    ),
    "count-no-poll": _slip(
        "polls are not counted", "polls never more than the schedule allows",
        Slip(_TURN, "__init__", "(answer.outcome.calls if asked else 0)", "0"),
    ),
    "write-no-poll-down": _slip(
        "the count of polls is left out of the UPDATE", "polls never more than the schedule allows",
        Slip(writeback, "_UNCHANGED", "polls = v.polls, ", ""),
    ),
    "forget-the-providers-id": _slip(
        "the provider's id is left out of the UPDATE", "1: an answer is of its own attempt",
        Slip(transitions, "_TRANSITION", "provider_ref = v.provider_ref, ", ""),
    ),
    "forget-where-it-was": _slip(
        "where it was is left out of the UPDATE", "2: what waits goes on where it was",
        Slip(
            transitions, "_TRANSITION", "waiting_from = v.waiting_from, ", "waiting_from = NULL, ",
        ),
    ),
    "end-no-attempt": _slip(
        "how an attempt ended is left out of its row", "5, 6: an attempt ends with its operation",
        Slip(
            transitions, "_ATTEMPT",
            "ended_as = COALESCE(v.ended_as, a.ended_as)",
            "ended_as = a.ended_as",
        ),
    ),
    "follow-no-hint": _slip(
        "the later of two wishes counts", "a hint has the poll made sooner",
        Slip(writeback, "_UNCHANGED", "o.wanted_at < v.next_at", "o.wanted_at > v.next_at"),
    ),
    "supply-nothing": _slip(
        "a code is supplied where none waits", "2: every operation ends",
        Slip(calls, "next_call", "snapshot.inputs_waiting > 0", "snapshot.inputs_waiting >= 0"),
    ),
    "settle-a-poll-too-early": _slip(
        "an attempt is settled before its deadline", "7: what is not over is asked for",
        Slip(calls, "next_call", "now < snapshot.deadline_at", "snapshot.due_at > now"),
    ),
    "back-off-no-further": _slip(
        "trouble in a row is not counted", "8: a sick provider is left alone",
        Slip(
            _TURN, "pending",
            "else self.consecutive_failures + 1", "else self.consecutive_failures",
        ),
    ),
    "keep-late-answers": _slip(
        "an answer that lost its lease is told to nobody", "2: nothing disappears",
        Slip(
            recording.Recorder, "record",
            "self._result_writer.write_late_answers(late, now)", "pass",
        ),
    ),
    "forget-the-deadline": _slip(
        "the provider's deadline is left out of the UPDATE", "2: what expires is told in time",
        Slip(transitions, "_TRANSITION", "deadline_at = v.deadline_at, ", ""),
    ),
}  # fmt: skip

#: Codes and notifications.
SUPPLIED: Final[Mapping[str, Mutation]] = {
    "forget-an-unsent-code": _slip(
        "a code that was not sent is forgotten", "3: a code is sent once, and not less",
        Slip(input_delivery, "settle", '{"sent_at": None} if returned else ', ""),
    ),
    "return-no-code": _slip(
        "a code that was not sent counts as sent", "3: a code is sent once, and not less",
        Slip(_TURN, "_returned", "input_returned=True", "input_returned=False"),
    ),
    "send-a-code-again": _slip(
        "a code that is on its way is sent again", "3: an SMS code is counted before it is sent",
        Slip(input_delivery, "mark_supplying", "            INPUTS.c.sent_at.is_(None),\n", ""),
    ),
    "count-no-code": _slip(
        "a code that is sent is not counted", "3: a sixth code never goes out",
        Slip(
            input_delivery, "mark_supplying",
            "OPERATIONS.c.inputs_sent + 1",
            "OPERATIONS.c.inputs_sent",
        ),
    ),
    "take-a-sixth-code": _slip(
        "a sixth code is taken", "3: a sixth code never goes out",
        Slip(inputs, "offer", "count >= given.limit", "count > given.limit"),
    ),
    "take-a-code-twice": _slip(
        "the same code counts twice", "3: what costs is done once",
        Slip(
            inputs, "_has",
            "INPUTS.c.fingerprint == fingerprint",
            "INPUTS.c.fingerprint.is_(None)",
        ),
    ),
    "count-no-code-back": _slip(
        "a code that was not sent stays counted", "3: a code is sent once, and not less",
        Slip(transitions, "_TRANSITION", "o.inputs_sent - v.returned", "o.inputs_sent"),
    ),
    "wake-the-ended": _slip(
        "a notification wakes an operation that has ended", "2: an end is an end",
        Slip(notifications, "receive", " or operation.state not in _OPEN", ""),
    ),
    "attach-nothing": _slip(
        "a notification that came before its id is not looked for", "7: what was told counts",
        Slip(
            writeback, "write_transitions",
            "transition.accepts_notifications", "transition.accepts_notifications > 1",
        ),
    ),
    "wake-with-the-origin": _slip(
        "who goes on keeps the state that it waited from", "2: what waits goes on where it was",
        Slip(notifications, "_wake", "            waiting_from=None,\n", ""),
    ),
    "hint-what-is-sooner": _slip(
        "a hint postpones what is due sooner", "a hint has the poll made sooner",
        Slip(callbacks, "hasten", "OPERATIONS.c.due_at > due_at", "OPERATIONS.c.due_at < due_at"),
    ),
}  # fmt: skip

#: What people do.
PEOPLE: Final[Mapping[str, Mutation]] = {
    "resume-where-nobody-knows": _slip(
        "a resume submits again where nobody knows whether it was submitted",
        "3: what costs is done once",
        Slip(
            resolutions, "resume",
            "waiting_from or State.SUBMITTING", "waiting_from or State.ACCEPTED",
        ),
    ),
    "resume-with-a-submit": _slip(
        "a resume of what is in doubt submits again", "3: what costs is done once",
        Slip(
            resolutions, "resume", "    known_ref = ",
            "    to = State.ACCEPTED if to is State.SUBMITTING else to\n    known_ref = ",
        ),
    ),
    "cancel-and-hold": _slip(
        "what is called off stays leased", "4: no lease is held for ever",
        Slip(resolutions, "_freed", "lease_id=None, lease_owner=None, claims=0, ", ""),
    ),
    "cancel-and-poll": _slip(
        "what a person ended stays due", "2: an end is an end",
        Slip(resolutions, "_end", "due_at=None, ", ""),
    ),
    "act-on-any-attempt": _slip(
        "an action counts for whichever attempt is current", "1: a message counts once",
        Slip(actions, "admit", "if found.attempt != action.attempt:", "if found.attempt < 0:"),
    ),
    "retry-with-the-old-id": _slip(
        "a next attempt keeps the provider's id of the last", "1: an answer is of its own attempt",
        Slip(
            retries, "retry",
            "        lane=URGENT,\n",
            "        lane=URGENT, provider_ref=found.provider_ref,\n",
        ),
    ),
    "retry-with-the-old-codes": _slip(
        "a next attempt begins with what was supplied to the last", "3: codes are counted",
        Slip(
            retries, "retry",
            "        lane=URGENT,\n",
            "        lane=URGENT, inputs_sent=found.inputs_sent,\n"
            "        inputs_waiting=found.inputs_waiting, input_sent_at=found.input_sent_at,\n"
            "        missing=found.missing, notifications=found.notifications,\n",
        ),
    ),
    "know-every-start": _slip(
        "other data under a known reference count as the same", "1: other data are refused aloud",
        Slip(intake, "is_known", ", ATTEMPTS.c.fingerprint == fingerprint", ""),
    ),
    "know-no-start": _slip(
        "the same data under a known reference count as others", "1: the same again is harmless",
        Slip(intake, "is_known", "return same is not None", "return same is None"),
    ),
}  # fmt: skip

#: Outbox and stream.
STREAM: Final[Mapping[str, Mutation]] = {
    "believe-a-remembered-id": _slip(
        "an id that is remembered beyond the stream's end counts as told",
        "4: the stream is filled again",
        # The double's line. Of the real one see left.py.
        Slip(
            stream_double.MemoryStream, "append",
            "found is None or all(id_ != found for id_, _ in reversed(self.entries))",
            "found is None",
        ),
    ),
    "tell-the-newest-first": _slip(
        "the newest events are told first", "5: events come in order",
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
        "of two losses the smaller one is filled in", "4: the stream is filled again",
        Slip(outbox, "begin_refill", "min(there, pending.there)", "max(there, pending.there)"),
    ),
    "note-what-may-be-lost": _slip(
        "a relay that slept notes what another one found lost", "4: the stream is filled again",
        Slip(relay.Relay, "_record", "if position != known:", "if position is None:"),
    ),
    "stop-before-the-newest": _slip(
        "the stream counts as filled up to before the last batch", "4: the stream is filled again",
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
