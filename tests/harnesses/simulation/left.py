"""Mistakes that no seed notices, or can notice, and the test that notices each.

The simulation has doubles in the place of the plugins, their connections and the servers, and
checks the promises, not every number. `./run simulate --mutation left` makes each mistake and
expects its test to fail. test_left.py does the same.
"""

import sys
from collections.abc import Mapping
from typing import Final, NamedTuple

from tests.harnesses.simulation.breaking import Mutation, Slip
from tests.harnesses.simulation.mistakes import MISTAKES
from worker.providers.intellectmoney import confirmation
from worker.providers.mandarin import code_state
from worker.providers.mandarin import plugin as mandarin
from worker.providers.moneta.plugin import MonetaPlugin
from worker.providers.npd.notification import NotifiedEnd
from worker.providers.npd.plugin import NpdPlugin
from worker.providers.transport import connections
from worker.store import access_tokens, fail_over, retention
from worker.stream import stream


class Left(NamedTuple):
    """A mistake, and the test that notices it."""

    mutation: Mutation
    test: str


def _slip(what: str, breaks: str, place: Slip, test: str) -> Left:
    return Left(Mutation(what, breaks, slips=[place]), f"tests/{test}")


#: Mistakes in code that the simulation replaces by a double.
_BEHIND_DOUBLES: Final[Mapping[str, Left]] = {
    "believe-a-remembered-id-on-the-server": _slip(
        "a remembered id beyond the stream's end counts as published",
        "4: the stream is filled again",
        Slip(stream, "_SCRIPT", "if not id or not is_there(id) then", "if not id then"),
        "integration/stream/test_relay.py::test_deleted_stream_is_filled_again_behind_what_is_new[sqlite]",
    ),
    "keep-what-is-cut-off": _slip(
        "a connection whose call was cut off goes back to the pool",
        "7: nothing of one call reaches another",
        Slip(
            connections.GuardedConnection, "rest",
            "in_time = self._watchdog.release(self)",
            "in_time = self._watchdog.release(self) or True",
        ),
        "unit/worker/providers/transport/test_connections.py"
        "::test_connection_that_is_about_to_be_cut_off_carries_no_second_call",
    ),
    "fetch-tokens-in-crowds": _slip(
        "the right to fetch a token is taken from its holder", "8: a token is fetched once",
        Slip(access_tokens, "hold", "_ROW.held_until <= now", "_ROW.held_until > now"),
        "integration/store/test_access_tokens.py::test_hold_is_given_to_one_until_it_is_released[sqlite]",
    ),
    "recover-what-was-paused": _slip(
        "operations of a provider that stayed paused are put in doubt",
        "3: a person decides about a doubt",
        Slip(fail_over, "_doubted", "not_in(recovery.was_paused)", "not_in([])"),
        "integration/cli/test_recover.py::"
        "test_provider_that_stayed_paused_is_left_out_when_it_is_named[sqlite]",
    ),
    "erase-the-young": _slip(
        "payloads are erased before their retention is over", "6: erased after a retention time",
        Slip(
            retention, "_payloads_and_answers",
            "ATTEMPTS.c.finished_at < before",
            "ATTEMPTS.c.finished_at > before",
        ),
        "integration/store/test_upkeep.py"
        "::test_purge_erases_payloads_and_answers_past_their_retention[sqlite-29.9-left0]",
    ),
    "doubt-what-was-never-sent": _slip(
        "NPD: a submit that was never sent is in doubt, and a doubtful one is repeated",
        "3: a billed call is made once",
        Slip(NpdPlugin, "submit", "if failure.never_sent:", "if not failure.never_sent:"),
        "contract/npd/test_plugin.py::test_refused_connection_is_sent_again[submit]",
    ),
    "believe-the-last-notification": _slip(
        "NPD: a notification of another task counts", "7: an answer belongs to its own attempt",
        Slip(NotifiedEnd, "of", 'str(content["async_id"]) == provider_ref', "True"),
        "contract/npd/test_plugin.py::test_notification_is_believed_without_moneta[another task's]",
    ),
    "reject-without-a-last-poll": _slip(
        "MONETA: a unit is rejected although its task is found again", "7: an error is no verdict",
        Slip(
            MonetaPlugin, "settle",
            "settled.state is not State.REJECTED",
            "settled.state is State.REJECTED",
        ),
        "contract/moneta/test_plugin.py"
        "::test_settle_goes_on_with_a_task_that_is_found_again_in_time[json]",
    ),
    "look-once-too-often": _slip(
        "MONETA: an anonymous unit is checked once too often", "2: every operation ends in time",
        Slip(MonetaPlugin, "_settled", "checks >= wanted", "checks > wanted"),
        "contract/moneta/test_plugin.py"
        "::test_settle_rejects_an_anonymous_unit_after_the_configured_checks[json-3-waits2]",
    ),
    "send-a-sixth-code": _slip(
        "Mandarin: one code too many is asked for", "3: a sixth code is never sent",
        Slip(
            code_state.CodeState, "left",
            "max(CODES - self.sent, 0)", "max(CODES + 1 - self.sent, 0)",
        ),
        "unit/worker/providers/mandarin/test_mapping.py"
        "::test_a_code_is_asked_for_once_and_never_a_sixth",
    ),
    "judge-a-code-by-the-last": _slip(
        "Mandarin: notes about an earlier code count for the last one",
        "7: an error is no verdict",
        Slip(
            code_state, "code_state_of",
            "if progress.code == work.inputs_sent else Progress()",
            "or Progress()",
        ),
        "unit/worker/providers/mandarin/test_mapping.py"
        "::test_course_believes_only_what_was_noted_of_the_last_code[earlier]",
    ),
    "doubt-a-refused-session": _slip(
        "Mandarin: a start that was never sent waits for a person, and a doubtful one is repeated",
        "3: a billed call is made once",
        Slip(mandarin, "_not_created", "if failure.never_sent:", "if not failure.never_sent:"),
        "contract/mandarin/test_plugin.py::test_submit_is_sent_again_where_it_surely_was_not_sent",
    ),
    "confirm-by-what-was-there": _slip(
        "IntellectMoney: an operation listed before a create counts as its result",
        "7: a create is recognized by its content",
        Slip(
            confirmation, "is_wanted",
            "listed.operation_id not in (progress.before or ()) and ",
            "",
        ),
        "contract/intellectmoney/test_confirming.py"
        "::test_a_create_is_confirmed_by_exactly_one_new_operation[json-clear_up-nothing new]",
    ),
    "create-by-an-old-list": _slip(
        "IntellectMoney: a create relies on an outdated list",
        "7: a create is recognized by its content",
        Slip(confirmation, "is_stale", "> _STALE_AFTER", "> 1e9 * _STALE_AFTER"),
        "contract/intellectmoney/test_saving.py"
        "::test_a_create_is_not_sent_by_a_list_of_long_ago[json]",
    ),
}  # fmt: skip

#: Mistakes that the simulation has no invariant for, or too seldom an occasion.
_UNSEEN: Final[Mapping[str, str]] = {
    "take-the-newest-first": "integration/store/test_claims.py"
    "::test_claim_takes_the_longest_overdue_first_and_no_more_than_the_limit[sqlite]",
    "judge-without-a-pulse": "integration/engine/test_incarnation.py"
    "::test_incarnation_does_not_judge_right_after_it_slept[sqlite]",
    "doubt-no-lease": "integration/engine/test_incarnation.py"
    "::test_incarnation_may_not_work_before_it_was_heard[sqlite]",
    "remember-every-failure": "unit/worker/engine/test_admission.py"
    "::test_fed[an answer between them]",
    "back-off-no-further": "unit/worker/engine/test_decisions.py::test_trouble_backs_off[2-40]",
    "settle-a-poll-too-early": "unit/worker/engine/test_decisions.py::test_next_ask[polling]",
    "keep-late-answers": "integration/engine/test_decisions.py"
    "::test_late_success_is_journaled_and_told_once_and_ends_nothing[sqlite-after cancel]",
    "take-suspects-along": "integration/store/test_claims.py"
    "::test_claim_leaves_alone_what_is_not_for_it[sqlite-suspect]",
    "probe-in-crowds": "integration/engine/test_health.py"
    "::test_breaker_lets_one_probe_out_at_a_time[sqlite]",
    "follow-no-hint": "integration/store/test_callbacks.py"
    "::test_hint_that_comes_during_a_poll_has_another_follow_it[sqlite]",
    "supply-nothing": "unit/worker/engine/test_decisions.py"
    "::test_next_ask[an input is wanted, none has come]",
    "send-a-code-again": "integration/store/test_inputs.py"
    "::test_input_whose_answer_was_lost_is_not_sent_in_the_place_of_the_next[sqlite]",
    "attach-nothing": "integration/store/test_notifications.py"
    "::test_notification_that_came_before_its_id_was_known_is_found_with_it[sqlite]",
    "wake-with-the-origin": "integration/store/test_notifications.py"
    "::test_notification_has_an_operation_that_waits_for_a_person_go_on_from[sqlite-a poll]",
    "refill-from-the-later": "integration/store/test_upkeep.py"
    "::test_outbox_knows_what_a_server_lost_within_the_retention[sqlite]",
    "hint-what-is-sooner": "integration/store/test_callbacks.py"
    "::test_hint_postpones_nothing[sqlite]",
    "note-what-may-be-lost": "integration/stream/test_relay.py"
    "::test_relay_that_slept_over_a_flush_loses_nothing[sqlite]",
    "refill-not-to-the-end": "integration/store/test_upkeep.py"
    "::test_refill_goes_on_where_it_stopped_and_knows_nothing_of_an_earlier_one[sqlite]",
    "stop-before-the-newest": "integration/stream/test_relay.py"
    "::test_relay_fills_in_the_tail_that_a_server_lost[sqlite]",
    "act-on-any-attempt": "integration/store/test_resolutions.py"
    "::test_decision_over_another_attempt_is_recorded_and_changes_nothing[sqlite-resume-2]",
    "compare-ids-as-text": "integration/stream/test_relay.py"
    "::test_relay_fills_in_a_tail_whose_ids_have_a_digit_more[sqlite]",
}

LEFT: Final[Mapping[str, Left]] = {
    **_BEHIND_DOUBLES,
    **{name: Left(MISTAKES[name], f"tests/{test}") for name, test in _UNSEEN.items()},
}


def command() -> list[str]:
    """Return the command that runs each of the tests with its mistake made."""
    ours = ["-p", "tests.harnesses.simulation.under_mutation", "-p", "no:cacheprovider", "-q"]
    return [sys.executable, "-m", "pytest", *ours, *(left.test for left in LEFT.values())]
