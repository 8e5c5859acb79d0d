"""What IntellectMoney's stand-in takes, and what it refuses."""

from collections.abc import Iterator
from urllib.parse import urlencode

import pytest

from tests.support.providers.sandbox_intellectmoney import (
    GET_USER_TOKEN,
    INVOICES,
    LIST,
    OPERATION,
    WRITE,
    Shop,
    running_shop,
    signed,
)
from tests.support.providers.silence import PATIENCE
from uprid_sandbox.intellectmoney.dice import Dice

FORM = "application/x-www-form-urlencoded"
KEY = "sign-key"
BEARER = "bearer-token"


@pytest.fixture
def shop() -> Iterator[Shop]:
    with running_shop() as running:
        yield running


@pytest.fixture(scope="module")
def newer() -> Iterator[Shop]:
    """The API that wants both headers."""
    with running_shop(
        intellectmoney_bearer_token=BEARER, intellectmoney_sign_secret_key=KEY
    ) as running:
        sign = signed("", running.options.intellectmoney_login, password(running), "", key=KEY)
        reply = running.send(GET_USER_TOKEN, login(running), headers(sign))
        running.token = reply.content["Result"]["UserToken"]
        yield running


def password(shop: Shop) -> str:
    return shop.options.intellectmoney_password


def login(shop: Shop) -> dict[str, str]:
    return {"Login": shop.options.intellectmoney_login, "Password": password(shop)}


def headers(sign: str | None, bearer: str | None = f"Bearer {BEARER}") -> dict[str, str | None]:
    return {"Authorization": bearer, "Sign": sign}


TAKE = {"Take": 10}


@pytest.mark.parametrize(
    ("path", "values", "named"),
    [
        pytest.param(INVOICES, {}, "Take", id="no-take"),
        pytest.param(INVOICES, {"Take": 0}, "Take", id="take-0"),
        pytest.param(INVOICES, {"Take": "010"}, "Take", id="take-010"),
        pytest.param(INVOICES, {"Take": 1_000_000}, "Take", id="take-too-much"),
        pytest.param(INVOICES, {**TAKE, "UserToken": None}, "UserToken", id="no-token"),
        pytest.param(INVOICES, {**TAKE, "Skip": -1}, "Skip", id="skip"),
        pytest.param(INVOICES, {**TAKE, "Shop": 1}, "unknown", id="unknown"),
        pytest.param(INVOICES, {**TAKE, "take": 10}, "Take", id="twice-in-two-cases"),
        pytest.param(INVOICES, {**TAKE, "EshopId": ""}, "EshopId", id="empty"),
        pytest.param(INVOICES, {**TAKE, "EshopId": 0}, "EshopId", id="eshop-0"),
        pytest.param(INVOICES, {**TAKE, "State": "Frozen"}, "State", id="state"),
        pytest.param(INVOICES, {**TAKE, "State": 5}, "State", id="state-5"),
        pytest.param(INVOICES, {**TAKE, "InvoiceId": "№ 1"}, "InvoiceId", id="invoice"),
        pytest.param(INVOICES, {**TAKE, "DateFrom": "2024-01-31"}, "DateFrom", id="iso-date"),
        pytest.param(INVOICES, {**TAKE, "DateFrom": "31.01.2024"}, "DateFrom", id="russian-date"),
        pytest.param(INVOICES, {**TAKE, "DateTo": "1.31.2024"}, "DateTo", id="short-date"),
        pytest.param(
            INVOICES,
            {**TAKE, "DateFrom": "02.01.2024", "DateTo": "01.31.2024"},
            "DateFrom",
            id="dates-in-disorder",
        ),
        pytest.param(
            INVOICES,
            {**TAKE, "IncludePaymentTransactions": "True"},
            "IncludePaymentTransactions",
            id="boolean",
        ),
        pytest.param(WRITE, OPERATION, "ObjectId", id="no-object"),
        pytest.param(WRITE, {"ObjectId": 1}, "ObjectTypeVal", id="no-type"),
        pytest.param(
            WRITE, {**OPERATION, "ObjectId": 1, "OperationId": 1}, "unknown", id="page's-id-name"
        ),
        pytest.param(
            WRITE, {**OPERATION, "ObjectId": 1, "Operation": "new"}, "Operation", id="no-guid"
        ),
        pytest.param(
            WRITE, {**OPERATION, "ObjectId": 1, "RepeatPlan": "0 12 * * ?"}, "RepeatPlan", id="cron"
        ),
        pytest.param(
            WRITE, {**OPERATION, "ObjectId": 1, "ParamsJson": "[15]"}, "ParamsJson", id="params"
        ),
        pytest.param(WRITE, {**OPERATION, "ObjectId": 1, "IsSingle": "true"}, "IsSingle", id="bit"),
        pytest.param(WRITE, {**OPERATION, "ObjectId": 1, "State": 2}, "State", id="state-2"),
        pytest.param(LIST, {"Take": "all"}, "Take", id="list-take"),
        pytest.param(LIST, {"EndExecDate": "01.31.2024"}, "unknown", id="list-end"),
    ],
)
def test_request_is_refused_when_it_is_not_what_the_method_takes(
    shop: Shop, path: str, values: dict[str, object], named: str
) -> None:
    reply = shop.ask(path, **values)
    assert reply.word == "failed"
    assert named in reply.content["OperationState"]["Desc"]
    assert shop.calls()["requests"]["invalid"] == 1
    assert shop.calls()["subjects"] == {}


@pytest.mark.parametrize(
    ("body", "named"),
    [
        pytest.param(b"", "must be sent", id="empty"),
        pytest.param(b"Login", "no form", id="no-form"),
        pytest.param(b'{"Login": "a=b"}', "unknown", id="json"),
        pytest.param(b"Login=%ff&Password=a", "UTF-8", id="not-utf-8"),
        pytest.param(b"Login=a&Login=b&Password=c", "twice", id="twice"),
    ],
)
def test_body_is_refused_when_it_is_no_form(shop: Shop, body: bytes, named: str) -> None:
    reply = shop.send(GET_USER_TOKEN, body)
    assert reply.word == "failed"
    assert named in reply.content["OperationState"]["Desc"]


def test_refusal_never_quotes_what_was_sent(shop: Shop) -> None:
    reply = shop.send(GET_USER_TOKEN, {"Login": "a", "Parole": "geheim"})
    assert "geheim" not in str(reply.content)
    assert "Parole" not in str(reply.content)


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("0 0 12 1 * ? *", id="cron"),
        pytest.param('{"Every": "day"}', id="json"),
        pytest.param("{'Every': 'day'}", id="the-page's-quotes"),
    ],
)
def test_plan_is_taken_as_cron_and_as_json(shop: Shop, value: str) -> None:
    assert shop.write(1, RepeatPlan=value).word == "done 1"


def test_names_are_taken_in_any_case_as_the_page_has_them(shop: Shop) -> None:
    values = {"userToken": shop.token, "eshopId": "25000", "dateTo": "07.15.2031", "take": "10"}
    assert shop.send(INVOICES, values).word == "done 10"


def test_token_with_its_plus_sent_bare_is_not_good(shop: Shop) -> None:
    escaped = urlencode({"UserToken": shop.token, "Take": 10})
    assert "%2B" in escaped
    assert shop.send(INVOICES, escaped.encode()).word == "done 10"
    assert shop.send(INVOICES, escaped.replace("%2B", "+").encode()).word == "unauthenticated"


@pytest.mark.parametrize("wrong", [{"Login": "nobody"}, {"Password": "nothing"}])
def test_token_is_refused_when_the_login_or_password_is_wrong(
    shop: Shop, wrong: dict[str, str]
) -> None:
    assert shop.send(GET_USER_TOKEN, {**login(shop), **wrong}).word == "unauthenticated"


@pytest.mark.parametrize("content_type", [None, "application/json", f"{FORM}; charset=cp1251"])
def test_body_is_refused_when_it_does_not_say_that_it_is_a_form(
    shop: Shop, content_type: str | None
) -> None:
    body = urlencode(login(shop)).encode()
    assert shop.send(GET_USER_TOKEN, body, {"Content-Type": content_type}).word == "page 415"
    assert (
        shop.send(GET_USER_TOKEN, body, {"Content-Type": f"{FORM}; charset=UTF-8"}).word == "done"
    )


@pytest.mark.parametrize("path", [GET_USER_TOKEN, INVOICES, WRITE, LIST])
def test_methods_take_nothing_but_post(shop: Shop, path: str) -> None:
    answer = shop.session.get(f"{shop.address}/intellectmoney/{path}", timeout=PATIENCE)
    assert answer.status_code == 405


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        (None, "text/xml; charset=utf-8"),
        ("*/*", "text/xml; charset=utf-8"),
        ("text/json", "text/json; charset=utf-8"),
        ("application/json, */*;q=0.1", "application/json; charset=utf-8"),
    ],
)
def test_language_is_what_is_accepted(shop: Shop, accept: str | None, content_type: str) -> None:
    reply = shop.send(GET_USER_TOKEN, login(shop), {"Accept": accept})
    assert reply.headers["Content-Type"] == content_type


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        ("down", ["page 503"] * 3),
        ("hang", ["hung"] * 3),
        ("credentials", ["unauthenticated"] * 3),
        ("up", ["done", "done 10", "done 1"]),
    ],
)
def test_outage_changes_every_answer_and_lets_nothing_have_its_effect(
    shop: Shop, mode: str, words: list[str]
) -> None:
    shop.admin("outage", {"provider": "intellectmoney", "mode": mode})
    got = [shop.log_in().word, shop.invoices(25_000).word, shop.write(500).word]
    assert got == words
    counted = shop.counted("object:500")
    assert (counted["writes"], counted["created"]) == (1, int(mode == "up"))


def test_reset_forgets_tokens_queues_and_operations(shop: Shop) -> None:
    shop.write(500)
    shop.invoices(25_100)
    shop.clock.advance(10)
    shop.admin("reset", {})
    assert shop.calls() == {"requests": {}, "subjects": {}}
    assert shop.invoices(25_100).word == "unauthenticated"
    shop.log_in()
    assert shop.invoices(25_100).word == "queued"
    assert shop.listed(500).word == "done 0"


def test_requests_are_counted_by_kind(shop: Shop) -> None:
    shop.invoices(25_000)
    shop.write(500)
    shop.listed(500)
    shop.token = "nobody's"
    shop.listed(500)
    expected = {"token": 1, "invoices": 1, "set": 1, "get": 2, "unauthenticated": 1}
    assert shop.calls()["requests"] == expected


def test_nothing_that_was_sent_is_logged(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(0)
    shop.log_in()
    shop.invoices(25_000)
    shop.send(GET_USER_TOKEN, b"Login=%ff")
    assert shop.token not in caplog.text
    assert password(shop) not in caplog.text
    assert "obrazets" not in caplog.text


def test_vector_of_the_newer_api_fits() -> None:
    expected = "f5f91f711f328a6a2859f77431b3610c891e8d8b924d5e7401cd41bc7ee3886d"
    assert signed("", "login", "pass", "", key="secret") == expected


def test_token_of_the_newer_api_takes_the_vector_s_order() -> None:
    with running_shop(
        intellectmoney_login="login",
        intellectmoney_password="pass",
        intellectmoney_bearer_token=BEARER,
        intellectmoney_sign_secret_key="secret",
    ) as shop:
        sign = "f5f91f711f328a6a2859f77431b3610c891e8d8b924d5e7401cd41bc7ee3886d"
        assert shop.send(GET_USER_TOKEN, login(shop), headers(sign)).word == "done"


def invoices_sign(token: str, key: str = KEY) -> str:
    segments = [token, 5, 10, 25_000, "", "01.09.2024", "", "", "", "true", "", "", "", ""]
    return signed(*segments, key=key)


def invoices_form(token: str) -> dict[str, str]:
    return {
        "UserToken": token,
        "Skip": "5",
        "Take": "10",
        "EshopId": "25000",
        "DateFrom": "01.09.2024",
        "IncludePaymentTransactions": "true",
    }


@pytest.mark.parametrize(
    ("sent", "word"),
    [
        pytest.param({}, "done 10", id="right"),
        pytest.param({"Sign": None}, "unauthenticated", id="no-sign"),
        pytest.param({"Sign": "0" * 64}, "unauthenticated", id="wrong-sign"),
        pytest.param({"Authorization": None}, "page 401", id="no-bearer"),
        pytest.param({"Authorization": BEARER}, "page 401", id="bearer-not-said"),
        pytest.param({"Authorization": "Bearer other"}, "page 401", id="wrong-bearer"),
        pytest.param({"Authorization": "Bearer тест"}, "page 401", id="cyrillic-bearer"),
    ],
)
def test_headers_are_checked_where_they_are_configured(
    newer: Shop, sent: dict[str, str | None], word: str
) -> None:
    said: dict[str, str | bytes | None] = {**headers(invoices_sign(newer.token))}
    # What is not Latin-1 can only be sent as bytes.
    said.update({name: each and each.encode() for name, each in sent.items()})
    assert newer.send(INVOICES, invoices_form(newer.token), said).word == word


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({"Skip": "6"}, id="other-value"),
        pytest.param({"DateFrom": "01.10.2024"}, id="other-date"),
        pytest.param({"InvoiceId": "7"}, id="value-not-signed"),
        pytest.param({"State": "Paid"}, id="state-not-signed"),
    ],
)
def test_sign_is_refused_when_the_values_are_not_the_signed_ones(
    newer: Shop, values: dict[str, str]
) -> None:
    form = {**invoices_form(newer.token), **values}
    said = headers(invoices_sign(newer.token))
    assert newer.send(INVOICES, form, said).word == "unauthenticated"


def test_sign_in_capitals_is_refused(newer: Shop) -> None:
    said = headers(invoices_sign(newer.token).upper())
    assert newer.send(INVOICES, invoices_form(newer.token), said).word == "unauthenticated"


@pytest.mark.parametrize("place", [0, 5, 14])
def test_state_of_the_registry_may_be_signed_at_any_place(newer: Shop, place: int) -> None:
    segments = [newer.token, "", 10, "", "", "", "", "", "", "", "", "", "", ""]
    sign = signed(*segments[:place], "Paid", *segments[place:], key=KEY)
    form = {"UserToken": newer.token, "Take": "10", "State": "Paid"}
    assert newer.send(INVOICES, form, headers(sign)).word.startswith("done")


def test_write_is_signed_in_its_own_order(newer: Shop) -> None:
    form = {
        "UserToken": newer.token,
        "ObjectId": "2000500",
        "ObjectTypeVal": "1",
        "ParamsJson": '{"Примечание": "да"}',
        "RepeatPlan": "0 0 12 1 * ? *",
        "RetryOnFailCount": "3",
        "State": "1",
        "EndExecDate": "12.31.2031",
    }
    order = [newer.token, "", "", "", "2000500", "1", form["ParamsJson"], form["RepeatPlan"]]
    sign = signed(*order, "", "3", "", "", "1", "", "", "12.31.2031", key=KEY)
    assert newer.send(WRITE, form, headers(sign)).word == "done 1"


def test_list_is_signed_in_its_own_order(newer: Shop) -> None:
    form = {"UserToken": newer.token, "Take": "5", "ObjectId": "3002600", "DateTo": "12.31.2031"}
    order = [newer.token, "", "5", "", "3002600", *[""] * 9, "12.31.2031", "", KEY]
    sign = signed(*order[:-1], key=KEY)
    assert newer.send(LIST, form, headers(sign)).word == "done 2"


def test_bearer_token_need_not_be_latin() -> None:
    with running_shop(intellectmoney_bearer_token="ключ") as shop:
        bearer = "Bearer ключ".encode()
        assert shop.send(GET_USER_TOKEN, login(shop), {"Authorization": bearer}).word == "done"


def test_headers_are_not_looked_at_by_the_old_api(shop: Shop) -> None:
    assert shop.send(GET_USER_TOKEN, login(shop), headers("0" * 64, "Bearer nobody")).word == "done"


def test_dice_fall_the_same_way_on_every_machine() -> None:
    dice = Dice(5_000_104, 7)
    assert [dice.roll(1_000) for _ in range(4)] == [782, 257, 369, 636]
