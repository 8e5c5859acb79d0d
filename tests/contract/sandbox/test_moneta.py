"""What each of MONETA's magic numbers does to a client, over real HTTP, in both languages."""

from collections.abc import Iterator

import pytest

from tests.support.providers.sandbox import DELAY, TIMEOUT, TRANSPORTS, Sandbox, running_sandbox
from tests.support.providers.sandbox_plain import in_short
from tests.support.providers.sandbox_requests import (
    personal_information,
    poll,
    profile_check,
    submit,
)
from uprid_sandbox.moneta.cells import ROWS, Leads, Place, Row, number_of
from uprid_sandbox.moneta.scenarios import SCENARIOS


@pytest.fixture(scope="module", params=TRANSPORTS)
def sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    with running_sandbox(TRANSPORTS[request.param]) as running:
        yield running


def course(sandbox: Sandbox, number: int) -> str:
    """Walk an identification to its end and say what was seen.

    Up to three submits until one tells its task; a poll at once, three from the delay on, one past
    the expiry; then three profile checks.
    """
    unit_id = sandbox.unit(number)
    submits: list[str] = []
    polls: list[str] = []
    async_id: int | None = None
    for _ in range(3):
        reply = sandbox.ask(submit(unit_id, personal_information()))
        submits.append(reply.word)
        async_id = reply.content.get("AsyncResponse", {}).get("asyncId")
        if async_id:
            break
    for wait in (0, DELAY, 0, 0, TIMEOUT):
        sandbox.clock.advance(wait)
        if async_id:
            polls.append(sandbox.ask(poll(async_id)).word)
    profiles = [sandbox.ask(profile_check(unit_id)).word for _ in range(3)]
    return " | ".join(in_short(part) for part in (submits, polls, profiles))


TAKEN = "CREATED | INPROGRESS, 4x success=True | 3x simplified"


def rejected(code: str) -> str:
    return f"CREATED | INPROGRESS, 4x success=False {code} | 3x anonymous"


def silent(profiles: str) -> str:
    return f"CREATED | 4x INPROGRESS, fault 500.9.1 | {profiles}"


def fault(word: str, profiles: str) -> str:
    return f"CREATED | INPROGRESS, 4x {word} | {profiles}"


def breach(word: str) -> str:
    return f"CREATED | INPROGRESS, 4x {word} | 3x anonymous"


def one_bad_poll(word: str) -> str:
    return f"CREATED | {word}, 4x success=True | 3x simplified"


def two_bad_polls(word: str) -> str:
    return f"CREATED | 2x {word}, 3x success=True | 3x simplified"


def one_bad_submit(word: str) -> str:
    return f"{word}, {TAKEN}"


def taken_unheard(word: str) -> str:
    return f"{word}, 2x fault 500.7.11 |  | 3x simplified"


def refused(word: str) -> str:
    return f"3x {word} |  | 3x anonymous"


COURSES = {
    "success": TAKEN,
    "success_without_unitid": TAKEN,
    "success_slowly": "CREATED | 4x INPROGRESS, success=True | 3x simplified",
    "success_after_created": "CREATED | CREATED, 4x success=True | 3x simplified",
    "success_undated_polls": "CREATED | INPROGRESS undated, 4x success=True | 3x simplified",
    "success_never_dated": (
        "CREATED undated | INPROGRESS undated, 4x success=True | 3x simplified"
    ),
    "success_with_extra_members": TAKEN,
    "success_before_group": "CREATED | INPROGRESS, 4x success=True | 2x anonymous, simplified",
    "success_spelt_otherwise": TAKEN,
    "success_with_nulls": TAKEN,
    "success_as_one": TAKEN,
    "success_with_empty_error": fault("success=True empty", "3x simplified"),
    "success_with_null_error": fault("success=True empty", "3x simplified"),
    "success_in_every_manner": TAKEN,
    "needs_correction": rejected("500.7.3"),
    "rejected_by_fault_on_poll": fault("fault 500.7.3", "3x anonymous"),
    "already_identified_on_poll": fault("fault 500.7.11", "3x simplified"),
    "expired_anonymous": silent("3x anonymous"),
    "expired_simplified": silent("3x simplified"),
    "expired_full": silent("3x full"),
    "expired_unknown_group": silent("3x unknown group"),
    "expired_without_group": silent("3x no group"),
    "expired_moved_late": silent("anonymous, 2x simplified"),
    "in_progress_for_ever": "CREATED | 5x INPROGRESS | 3x anonymous",
    "expired_profile_unavailable": silent("page 502, fault 100, simplified"),
    "expired_foreign_profile": silent("3x simplified"),
    "wait_ended_anonymous": fault("fault 500.7.2", "3x anonymous"),
    "wait_ended_simplified": fault("fault 500.7.2", "3x simplified"),
    "wait_ended_full": fault("fault 500.7.2", "3x full"),
    "wait_ended_unknown_group": fault("fault 500.7.2", "3x unknown group"),
    "wait_ended_without_group": fault("fault 500.7.2", "3x no group"),
    "wait_ended_moved_late": fault("fault 500.7.2", "anonymous, 2x simplified"),
    "lost_anonymous": fault("fault 500.9.1", "3x anonymous"),
    "lost_simplified": fault("Fault 500.9.1", "3x simplified"),
    "lost_wordily": fault("fault 500.9.1 wordy", "3x simplified"),
    "lost_full": fault("fault 500.9.1", "3x full"),
    "lost_unknown_group": fault("fault 500.9.1", "3x unknown group"),
    "lost_without_group": fault("fault 500.9.1", "3x no group"),
    "lost_moved_late": fault("fault 500.9.1", "anonymous, 2x simplified"),
    "poll_502": two_bad_polls("page 502"),
    "poll_503": one_bad_poll("page 503"),
    "poll_429": one_bad_poll("page 429"),
    "poll_hangs": one_bad_poll("hung"),
    "poll_dropped": two_bad_polls("dropped"),
    "poll_garbage": one_bad_poll("garbage"),
    "poll_truncated": one_bad_poll("garbage"),
    "poll_empty": one_bad_poll("garbage"),
    "poll_cut": one_bad_poll("cut"),
    "poll_drips": one_bad_poll("dripping"),
    "poll_redirected": one_bad_poll("page 302"),
    "poll_huge": one_bad_poll("huge"),
    "poll_html": one_bad_poll("page 200"),
    "poll_no_envelope": one_bad_poll("garbage"),
    "poll_hostile": one_bad_poll("garbage"),
    "poll_smev": two_bad_polls("fault 500.8.3.1.1"),
    "poll_fault_100": two_bad_polls("fault 100"),
    "poll_fault_codeless": two_bad_polls("fault None"),
    "poll_status_unknown": one_bad_poll("SUSPENDED"),
    "success_as_text": breach("success='true'"),
    "foreign_unit": breach("success=True"),
    "rejected_without_code": breach("success=False"),
    "rejected_unknown_code": breach("success=False 500.7.999"),
    "status_unknown": "CREATED | 5x SUSPENDED | 3x anonymous",
    "poll_fault_unknown": breach("fault 500.99.1"),
    "success_as_number": breach("success=1"),
    "without_success": breach("success='missing'"),
    "other_task": "CREATED | 5x INPROGRESS | 3x anonymous",
    "status_beside_result": breach("success=True"),
    "fault_codeless": breach("fault None"),
    "success_with_code": breach("success=True 500.7.3"),
    "submit_taken_then_dropped": taken_unheard("dropped"),
    "submit_taken_then_dropped_slowly": one_bad_submit("dropped"),
    "submit_dropped": one_bad_submit("dropped"),
    "submit_502": one_bad_submit("page 502"),
    "submit_taken_with_502": taken_unheard("page 502"),
    "submit_smev": f"2x fault 500.8.3.1.1, {TAKEN}",
    "submit_document_doubted": refused("fault 500.7.10"),
    "submit_no_access": refused("fault 300.2"),
    "submit_fault_codeless": refused("fault None"),
    "submit_fault_100": refused("fault 100"),
    "submit_taken_with_fault_100": taken_unheard("fault 100"),
    "already_identified": "3x fault 500.7.11 |  | 3x simplified",
    "submit_rejected": one_bad_submit("fault 500.7.3"),
    "submit_not_eligible": refused("fault 500.7.7"),
    "submit_taken_then_hangs": taken_unheard("hung"),
    "submit_hangs": one_bad_submit("hung"),
    "submit_fault_unknown": refused("fault 500.99.1"),
    "submit_503": one_bad_submit("page 503"),
    "submit_429": one_bad_submit("page 429"),
    "submit_taken_garbage": one_bad_submit("garbage"),
    "submit_without_async_id": "3x CREATED without id |  | 3x simplified",
    "submit_capital_fault": one_bad_submit("Fault 500.7.6 wordy"),
    "credentials_from_now_on": "CREATED | 5x fault 300.1.3 | 3x fault 300.1.3",
    "credentials_at_submit": one_bad_submit("fault 300.1"),
    "credentials_on_poll": one_bad_poll("fault 300.7"),
}
#: Where XML has no such thing, it has its like.
IN_SOAP = {
    # `1` is a boolean like `true`.
    "success_as_one": fault("success='1'", "3x simplified"),
    "success_as_text": breach("success='TRUE'"),
    "success_as_number": breach("success='1.0'"),
}
CELLS = {place + row.number for place in Place for row in ROWS}
STORIES = sorted(SCENARIOS.keys() - CELLS)


@pytest.mark.parametrize("number", STORIES, ids=lambda number: SCENARIOS[number].name)
def test_scenario_runs_its_documented_course(sandbox: Sandbox, number: int) -> None:
    name = SCENARIOS[number].name
    expected = COURSES[name]
    if sandbox.transport.name == "soap":
        expected = IN_SOAP.get(name, expected)
    assert course(sandbox, number) == expected


def cell(place: Place, leads: Leads, code: str | None) -> str:
    """Return the course of a cell of the fault table."""
    word = f"fault {code}"
    group = "simplified" if leads is Leads.SUCCESS else "anonymous"
    if place is Place.RESULT:
        return fault(f"success=False {code}" if code else "success=False", f"3x {group}")
    if place is Place.SUBMIT:
        refusals = {Leads.AGAIN: f"2x {word}, ", Leads.PAUSE: f"{word}, "}
        first = refusals.get(leads)
        return f"{first}{TAKEN}" if first else f"3x {word} |  | 3x {group}"
    passing = {Leads.AGAIN: two_bad_polls, Leads.PAUSE: one_bad_poll}
    return passing[leads](word) if leads in passing else fault(word, f"3x {group}")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.code or "codeless")
@pytest.mark.parametrize("place", Place, ids=lambda place: place.name.lower())
def test_fault_table_has_a_number_for_each_cell(sandbox: Sandbox, place: Place, row: Row) -> None:
    leads = {Place.RESULT: row.result, Place.SUBMIT: row.submit, Place.POLL: row.poll}[place]
    assert course(sandbox, number_of(place, row.code)) == cell(place, leads, row.code)


def test_unit_without_a_scenario_succeeds(sandbox: Sandbox) -> None:
    assert course(sandbox, 777) == TAKEN


@pytest.mark.parametrize(
    ("number", "taken"),
    [
        pytest.param(0, 1, id="success"),
        pytest.param(501, 2, id="taken-then-dropped-and-sent-again"),
        pytest.param(502, 1, id="dropped-and-sent-again"),
        pytest.param(505, 1, id="refused-twice"),
        pytest.param(506, 0, id="refused-for-ever"),
    ],
)
def test_calls_tell_how_often_a_submit_had_its_effect(
    sandbox: Sandbox, number: int, taken: int
) -> None:
    course(sandbox, number)
    *_, unit = sandbox.calls()["units"].values()
    assert unit["taken"] == taken
