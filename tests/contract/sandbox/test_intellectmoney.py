"""What IntellectMoney's magic numbers do to requests for UserTokens and registries."""

from collections.abc import Iterator
from decimal import Decimal

import pytest

from tests.support.providers.sandbox_intellectmoney import (
    DELAY,
    LIFETIME,
    Reply,
    Shop,
    in_short,
    running_shop,
)
from uprid_sandbox.intellectmoney.eshops import ESHOPS
from uprid_sandbox.intellectmoney.logins import LOGINS
from uprid_sandbox.intellectmoney.registry import Filter, newest, totals


@pytest.fixture(scope="module", params=["xml", "json"])
def shop(request: pytest.FixtureRequest) -> Iterator[Shop]:
    with running_shop(request.param) as running:
        yield running


@pytest.fixture(autouse=True)
def as_new(shop: Shop) -> None:
    """Every test begins with a stand-in that knows nothing, and with a UserToken."""
    shop.admin("reset", {})
    shop.log_in()


def registry_course(shop: Shop, number: int) -> str:
    """Ask for pages 1, 2 and 3 of 25 invoices: each at once, again, and a delay later."""
    eshop_id = shop.eshop(number)
    pages = []
    for skip in (0, 10, 20):
        words = []
        for wait in (0, 0, DELAY):
            shop.clock.advance(wait)
            words.append(shop.invoices(eshop_id, skip).word)
        pages.append(in_short(words))
    return " | ".join(pages)


ALL = "3x done 10 | 3x done 10 | 3x done 5"


def every_page(word: str) -> str:
    return " | ".join([f"3x {word}"] * 3)


def once(word: str) -> str:
    return f"{word}, 2x done 10 | {word}, 2x done 10 | {word}, 2x done 5"


def twice(word: str) -> str:
    return f"2x {word}, done 10 | 2x {word}, done 10 | 2x {word}, done 5"


def every_third(word: str) -> str:
    return f"3x done 10 | 3x done 10 | {word}"


REGISTRIES = {
    "registry": ALL,
    "registry_with_warnings": "3x warned 10 | 3x warned 10 | 3x warned 5",
    "registry_in_the_other_language": ALL,
    "registry_of_state_numbers": ALL,
    "registry_of_strange_states": ALL,
    "registry_of_strange_currencies": ALL,
    "registry_changed_meanwhile": "3x done 10 | 3x done 10 | 3x done 8",
    "registry_outdated_at_the_end": "3x done 10 | 3x done 10 | 3x done 8",
    "registry_shifted": "3x done 10 | 3x done 10 | 3x done 7",
    "registry_endless": every_page("done 10"),
    "registry_stuck": every_page("done 10"),
    "every_page_queued": twice("queued"),
    "every_third_page_queued": every_third("2x queued, done 5"),
    "third_pages_queued_others_ill": (
        "page 502, 2x done 10 | page 502, 2x done 10 | 2x queued, done 5"
    ),
    "second_page_queued_for_ever": "3x done 10 | 3x queued | 3x done 5",
    "queued_for_ever": every_page("queued"),
    "queued_then_error": " | ".join(["2x queued, failed"] * 3),
    "queued_slowly": every_page("queued"),
    "queued_without_number": twice("queued without id"),
    "queued_then_unauthenticated": " | ".join(["2x queued, unauthenticated"] * 3),
    "operation_error": every_page("failed"),
    "operation_error_later": "3x done 10 | 3x failed | 3x done 5",
    "unauthenticated_for_ever": every_page("unauthenticated"),
    "unauthenticated_once": once("unauthenticated"),
    "token_good_for_three_calls": "3x done 10 | 3x unauthenticated | 3x unauthenticated",
    "token_good_for_one_call": (
        "done 10, 2x unauthenticated | 3x unauthenticated | 3x unauthenticated"
    ),
    "page_500": twice("page 500"),
    "page_503": once("page 503"),
    "page_429": once("page 429"),
    "page_hangs": every_third("hung, 2x done 5"),
    "page_dropped": twice("dropped"),
    "page_garbage": once("garbage"),
    "page_truncated": once("garbage"),
    "page_empty": once("garbage"),
    "page_cut": once("cut"),
    "page_drips": every_third("dripping, 2x done 5"),
    "page_html": once("page 200"),
    "page_hostile": once("garbage"),
    "page_strange": once("garbage"),
    "page_redirected": once("page 302"),
    "page_always_huge": every_page("huge"),
    "operation_code_unknown": every_page("operation 7"),
    "request_code_unknown": "3x request 9 10 | 3x request 9 10 | 3x request 9 5",
    "no_operation_state": every_page("no operation state"),
    "no_result": every_page("no result"),
    "no_list": every_page("done"),
    "operation_code_is_text": every_page("operation готово"),
    "always_html": every_page("page 200"),
    "always_500": every_page("page 500"),
    "always_hostile": every_page("garbage"),
    "invoice_without_id": ALL,
    "invoice_with_two_ids": every_page("garbage"),
    "invoice_with_bad_amount": ALL,
    "invoice_with_vast_amount": ALL,
    "invoice_with_bad_date": ALL,
}


@pytest.mark.parametrize("number", ESHOPS, ids=lambda number: ESHOPS[number].name)
def test_eshop_runs_its_documented_course(shop: Shop, number: int) -> None:
    assert registry_course(shop, number) == REGISTRIES[ESHOPS[number].name]


def walk(shop: Shop, eshop_id: int, take: int, **filters: object) -> list[dict[str, object]]:
    """Go through a registry as a client has to, and return all rows."""
    rows: list[dict[str, object]] = []
    for _ in range(2_000):
        reply = shop.invoices(eshop_id, len(rows), take, **filters)
        if reply.word.startswith(("done", "warned")):
            rows += reply.rows
            if len(reply.rows) < take:
                return rows
        elif reply.word == "unauthenticated":
            shop.log_in()
        else:
            shop.clock.advance(DELAY / 2)
    raise AssertionError(eshop_id)


def summed(rows: list[dict[str, object]]) -> dict[tuple[str, str], tuple[int, Decimal]]:
    """Count and add up the newest versions of what was read, by state and currency."""
    latest: dict[str, dict[str, object]] = {}
    for row in rows:
        known = latest.setdefault(str(row["Id"]), row)
        if str(row["ChangeDate"]) > str(known["ChangeDate"]):
            latest[str(row["Id"])] = row
    sums: dict[tuple[str, str], tuple[int, Decimal]] = {}
    for row in latest.values():
        money = row["Amount"]
        assert isinstance(money, dict)
        key = (str(row["State"]), money["Currency"])
        number, amount = sums.get(key, (0, Decimal(0)))
        sums[key] = (number + 1, amount + Decimal(money["Amount"]))
    return sums


@pytest.mark.parametrize("number", [0, 1, 2, 4, 5, 10, 11, 12, 100, 103, 104, 213, 301])
def test_totals_are_what_the_pages_come_to(shop: Shop, number: int) -> None:
    eshop_id = shop.eshop(number, invoices=137)
    rows = walk(shop, eshop_id, take=20)
    expected = {key: (each.invoices, each.amount) for key, each in totals(eshop_id).items()}
    assert summed(rows) == expected
    assert sum(count for count, _ in expected.values()) == 137


def test_registry_holds_as_many_invoices_as_the_eshop_says(shop: Shop) -> None:
    assert len(newest(5_000_104)) == 5_000
    assert {currency for _, currency in totals(5_000_104)} == {"RUB", "TST"}
    assert shop.invoices(5_000_104, 4_900, 100).word == "page 502"
    assert shop.invoices(5_000_104, 4_900, 100).word == "done 100"
    assert shop.invoices(5_000_104, 5_000, 100).word == "queued"


@pytest.mark.parametrize("number", [20, 21])
def test_registry_that_never_ends_has_no_totals(number: int) -> None:
    with pytest.raises(ValueError, match="never ends"):
        totals(1_000 + number)


def test_registry_that_is_empty_is_a_list_without_members(shop: Shop) -> None:
    assert shop.invoices(1).word == "warned 0"


def test_state_numbers_are_those_of_the_page(shop: Shop) -> None:
    numbers = {str(row["State"]) for row in walk(shop, shop.eshop(3, 60), take=60)}
    assert numbers == {"0", "1", "2", "3", "4", "6"}


def test_transactions_come_only_where_they_are_asked_for(shop: Shop) -> None:
    eshop_id = shop.eshop(0, 60)
    plain = walk(shop, eshop_id, 50)
    full = walk(shop, eshop_id, 50, IncludePaymentTransactions="true")
    lengths = [len(list_of(row)) for row in full]
    assert not any(list_of(row) for row in plain)
    assert lengths == [len(each.transactions) for each in newest(eshop_id).values()]
    assert set(lengths) == {0, 1, 2, 3}


def list_of(row: dict[str, object]) -> list[object]:
    history = row["HistoryList"]
    assert isinstance(history, list)
    return history


@pytest.mark.parametrize(
    ("sent", "chosen"),
    [
        pytest.param({"State": "Paid"}, Filter(state="Paid"), id="state"),
        pytest.param({"State": "6"}, Filter(state="Held"), id="state-number"),
        pytest.param({"InvoiceId": 60_000_000_004}, Filter(invoice_id=60_000_000_004), id="id"),
    ],
)
def test_filters_are_honoured(shop: Shop, sent: dict[str, object], chosen: Filter) -> None:
    rows = walk(shop, 60_000, 50, **sent)
    assert [int(str(row["Id"])) for row in rows] == list(newest(60_000, chosen))
    assert 0 < len(rows) < 60


def test_dates_choose_by_the_last_change_both_days_included(shop: Shop) -> None:
    everything = newest(60_000).values()
    days = {"DateFrom": "01.09.2024", "DateTo": "01.10.2024"}
    rows = walk(shop, 60_000, 50, **days)
    expected = [each.id for each in everything if each.changed.second.day in {9, 10}]
    assert [int(str(row["Id"])) for row in rows] == expected
    assert 0 < len(rows) < 60


def test_fractions_of_seconds_have_no_to_seven_digits(shop: Shop) -> None:
    rows = walk(shop, 60_000, 60)
    fractions = {len(str(row["CreationDate"]).partition(".")[2]) for row in rows}
    assert fractions == set(range(8))
    assert {str(row["ExpirationDate"])[:4] for row in rows} >= {"0001", "2024"}


def test_pages_are_counted_by_skip_asked_and_answered(shop: Shop) -> None:
    eshop_id = shop.eshop(100)
    for skip in (0, 0, 10):
        shop.invoices(eshop_id, skip)
    shop.clock.advance(DELAY)
    shop.invoices(eshop_id, 0)
    counted = shop.counted(f"eshop:{eshop_id}")
    assert counted["asked"] == 4
    assert counted["details"] == {"asked": {"0": 3, "10": 1}, "answered": {"0": 1}}


LOGIN_COURSES = {
    "": "3x done",
    "-900": "3x done",
    "-901": "2x queued, done",
    "-902": "3x queued",
    "-903": "3x failed",
    "-904": "3x unauthenticated",
    "-905": "3x warned",
    "-906": "3x done",
    "-907": "2x page 503, done",
    "-908": "page 500, 2x done",
    "-909": "hung, 2x done",
    "-910": "dropped, 2x done",
    "-911": "page 200, 2x done",
    "-912": "garbage, 2x done",
    "-913": "huge, 2x done",
    "-920": "3x done",
    "-921": "3x done",
    "-999": "3x done",
    "0": "3x unauthenticated",
}


@pytest.mark.parametrize(("suffix", "course"), LOGIN_COURSES.items())
def test_login_runs_its_documented_course(shop: Shop, suffix: str, course: str) -> None:
    words = []
    for wait in (0, 0, DELAY):
        shop.clock.advance(wait)
        try:
            words.append(shop.log_in(suffix).word)
        except KeyError:
            words.append("done")
            assert suffix == "-906"
    assert in_short(words) == course


def test_every_login_scenario_has_its_course() -> None:
    assert {f"-{number}" for number in LOGINS} <= LOGIN_COURSES.keys()


@pytest.mark.parametrize(
    ("suffix", "words"),
    [
        ("-900", ["done 10"] * 4),
        ("-920", ["done 10", "done 10", "unauthenticated", "unauthenticated"]),
        ("-921", ["unauthenticated"] * 4),
    ],
)
def test_token_is_good_for_the_calls_that_its_login_says(
    shop: Shop, suffix: str, words: list[str]
) -> None:
    shop.log_in(suffix)
    assert [shop.invoices(25_000).word for _ in range(4)] == words


def test_token_is_good_for_its_lifetime(shop: Shop) -> None:
    shop.clock.advance(LIFETIME - 1)
    assert shop.invoices(25_000).word == "done 10"
    shop.clock.advance(1)
    assert shop.invoices(25_000).word == "unauthenticated"


def test_tokens_hold_what_a_form_must_escape_and_differ(shop: Shop) -> None:
    first = shop.token
    shop.log_in()
    assert set(first) >= set("+/=")
    assert first != shop.token
    assert len(first) == 64


def operation_id(reply: Reply) -> str:
    found: str = reply.content["OperationId"]
    return found


def test_result_path_answers_what_was_queued() -> None:
    path = "operation/getResult/{operation_id}"
    with running_shop(intellectmoney_result_path=path) as shop:
        page = path.format(operation_id=operation_id(shop.invoices(25_100)))
        refused = path.format(operation_id=operation_id(shop.write(523)))
        words = [shop.ask(each).word for each in (page, refused)]
        shop.clock.advance(DELAY)
        words += [shop.ask(each).word for each in (page, refused)]
        assert words == ["queued", "queued", "done 10", "done 0"]
        assert shop.calls()["requests"]["result"] == 4
        assert shop.counted("eshop:25100")["details"]["answered"] == {"0": 1}
        nobody = path.format(operation_id="00000000-0000-0000-0000-000000000001")
        assert shop.ask(nobody).word == "failed"
        assert shop.ask(page, UserToken="nobody's").word == "unauthenticated"


def test_result_path_wants_the_bearer_token_and_no_signature() -> None:
    with running_shop(
        intellectmoney_bearer_token="bearer",
        intellectmoney_sign_secret_key="key",
        intellectmoney_result_path="results/{operation_id}/of",
    ) as shop:
        path = "results/00000000-0000-0000-0000-000000000001/of"
        form = {"UserToken": "nobody's"}
        assert shop.send(path, form).word == "page 401"
        assert shop.send(path, form, {"Authorization": "Bearer bearer"}).word == "unauthenticated"


def test_result_path_is_not_found_where_none_is_set(shop: Shop) -> None:
    queued = operation_id(shop.invoices(shop.eshop(100)))
    assert shop.ask(f"operation/getResult/{queued}").word == "page 404"
