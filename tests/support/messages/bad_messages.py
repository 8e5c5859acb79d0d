"""What the tasks of Mandarin, NPD and IntellectMoney have to refuse."""

from collections.abc import Mapping
from typing import Any, Final

from tests.support.messages.bad_input import (
    Bad,
    Make,
    foreign,
    plain,
    sealing,
    sealing_bytes,
    spoilt,
)
from tests.support.messages.marketplace import (
    CODE,
    INVOICES,
    LIST_SCHEDULED,
    MANDARIN,
    NOTIFICATION,
    NPD,
    RETRY,
    SAVE_SCHEDULED,
)
from tests.support.messages.people import Payload, changed
from tests.support.providers.payloads import (
    magic_phone,
    mandarin_person,
    npd_person,
    scheduled_change,
)

MONETA_USED: Final = "used-moneta"
NPD_USED: Final = "used-npd"
MANDARIN_USED: Final = "used-mandarin"
#: All five codes of its session are on their way.
SPENT: Final = "spent-mandarin"
INVOICES_USED: Final = "used-invoices"
LIST_USED: Final = "used-list"
SAVE_USED: Final = "used-save"
USED: Final = (
    MONETA_USED, NPD_USED, MANDARIN_USED, SPENT, INVOICES_USED, LIST_USED, SAVE_USED,
)  # fmt: skip
UNIT: Final = 8_100_000
_NPD_PHONE: Final = magic_phone(1, 0)
MANDARIN_PHONE: Final = magic_phone(2, 0)
#: Neither check of its session ever ends.
SPENT_PHONE: Final = magic_phone(3, 202)
ESHOP: Final = 3_000
OBJECT: Final = 8_002_600

BAD_SNILS: Final = "187-641-001 99"
LONG: Final = "9" * 21

NPD_PERSON: Final = npd_person(1, _NPD_PHONE)
MANDARIN_PERSON: Final = mandarin_person(2, MANDARIN_PHONE)
NOTIFICATION_DATA: Final[Payload] = {
    "notificationId": 7,
    "notificationName": "uprid",
    "upridAsyncId": 999_999,
    "upridAsyncStatus": "SUCCESS",
    "userPhone": _NPD_PHONE,
    "mntAccountId": 61_234_567,
}


def _npd(**fields: object) -> Make:
    """A good start but for some fields; `passport__number` is the passport's."""
    return sealing(_but(NPD_PERSON, fields))


def _mandarin(**fields: object) -> Make:
    return sealing(_but(MANDARIN_PERSON, fields))


def _notification(**fields: object) -> Make:
    return sealing(_but(NOTIFICATION_DATA, fields))


def _code(code: object, **arguments: object) -> Make:
    return sealing({"sms_code": code}, **arguments)


def _filters(**filters: object) -> Make:
    return plain(filters=filters)


def _change(**fields: object) -> Make:
    return plain(operation=_but(scheduled_change(OBJECT), fields))


def _but(payload: Mapping[str, Any], fields: Mapping[str, object]) -> Payload:
    """Return a copy with other values; None drops a field."""
    blocks = {name: value for name, value in fields.items() if "__" in name}
    flat = {name: value for name, value in fields.items() if "__" not in name}
    whole = {name: value for name, value in {**payload, **flat}.items() if value is not None}
    return changed(whole, **blocks)


def _tokens(task: str, whole: Mapping[str, Any], name: str, **arguments: object) -> list[Bad]:
    """Return a task's tokens that are none, or hold no object."""
    made = {
        "missing": plain(**arguments),
        "number": plain(sealed=5, **arguments),
        "object": plain(sealed=dict(whole), **arguments),
        "no-token": plain(sealed="gAAAAAклад", **arguments),
        "spoilt": spoilt(whole, **arguments),
        "of-unknown-key": foreign(whole, **arguments),
        "over-a-list": sealing([whole], **arguments),
        "over-null": sealing(None, **arguments),
        "over-no-json": sealing_bytes(b"{", **arguments),
        "over-deep-json": sealing_bytes(b"[" * 100_000, **arguments),
    }
    reference = "" if task == NOTIFICATION else None
    return [
        Bad(f"{name}-token-{how}", make, {"sealed"}, task, reference=reference)
        for how, make in made.items()
    ]


def _bads(task: str, name: str, *rows: tuple[Any, ...], reference: object = None) -> list[Bad]:
    """Return (id, make, fields[, reference]) as messages of one task."""
    return [
        Bad(f"{name}-{row[0]}", row[1], row[2], task, reference=(*row[3:], reference)[0])
        for row in rows
    ]


_OF_NPD: Final = [
    *_tokens(NPD, NPD_PERSON, "npd"),
    *_bads(
        NPD, "npd",
        ("reference-missing", _npd(), {"reference"}, ""),
        ("unit-zero", sealing(NPD_PERSON, unit_id=0), {"unit_id"}),
        ("unit-text", sealing(NPD_PERSON, unit_id="5"), {"unit_id"}),
        ("unit-true", sealing(NPD_PERSON, unit_id=True), {"unit_id"}),
        ("argument-unknown", sealing(NPD_PERSON, surprise=1), {"surprise"}),
        ("argument-unnamable", sealing(NPD_PERSON, **{"Ivan Ivanov": 1}), {"(unnamed)"}),
        ("in-clear", plain(phone=_NPD_PHONE), {"phone", "sealed"}),
        ("empty", sealing({}), {"phone", "first_name", "last_name", "middle_name", "birth_date",
                                "passport"}),
        ("passport-missing", _npd(passport=None), {"passport"}),
        ("passport-text", _npd(passport="9001 861001"), {"passport"}),
        ("passport-unknown-member", _npd(passport__id=1), {"passport.id"}),
        ("member-unknown", _npd(inn="501716749325"), {"inn"}),
        ("first-name-missing", _npd(first_name=None), {"first_name"}),
        ("middle-name-number", _npd(middle_name=7), {"middle_name"}),
        ("last-name-empty", _npd(last_name=""), {"last_name"}),
        ("phone-foreign", _npd(phone="+1 202 555 0100"), {"phone"}),
        ("birth-russian", _npd(birth_date="31.01.1990"), {"birth_date"}),
        ("snils-checksum", _npd(snils=BAD_SNILS), {"snils"}),
        ("series-short", _npd(passport__series="12"), {"passport.series"}),
        ("number-as-number", _npd(passport__number=861_001), {"passport.number"}),
        ("issued-no-day", _npd(passport__issued="2010-13-01"), {"passport.issued"}),
        ("department-bare", _npd(passport__department="961001"), {"passport.department"}),
        ("all-at-once", sealing(_but(NPD_PERSON, {"snils": BAD_SNILS, "passport__number": "1"}),
                                unit_id=-1, surprise=1),
         {"reference", "unit_id", "surprise", "snils", "passport.number"}, 17),
        ("used-other-person", sealing(npd_person(4, _NPD_PHONE)), {"reference"}, NPD_USED),
        ("used-other-unit", sealing(NPD_PERSON, unit_id=5), {"reference"}, NPD_USED),
        ("used-by-another", _npd(), {"reference"}, MANDARIN_USED),
    ),
]  # fmt: skip

_OF_MANDARIN: Final = [
    *_tokens(MANDARIN, MANDARIN_PERSON, "mandarin"),
    *_bads(
        MANDARIN, "mandarin",
        ("reference-missing", _mandarin(), {"reference"}, ""),
        ("argument-unknown", sealing(MANDARIN_PERSON, unit_id=5), {"unit_id"}),
        ("in-clear", plain(snils=BAD_SNILS), {"snils", "sealed"}),
        ("empty", sealing({}), {"first_name", "patronymic", "last_name", "passport_series",
                                "passport_number", "phone", "snils", "inn"}),
        ("neither", _mandarin(snils=None), {"snils", "inn"}),
        ("both", _mandarin(inn="501716749325"), {"snils", "inn"}),
        ("snils-checksum", _mandarin(snils=BAD_SNILS), {"snils"}),
        ("snils-empty", _mandarin(snils=""), {"snils", "inn"}),
        ("inn-of-a-company", _mandarin(snils=None, inn="7707083893"), {"inn"}),
        ("inn-check-digits", _mandarin(snils=None, inn="773821900199"), {"inn"}),
        ("phone-missing", _mandarin(phone=None), {"phone"}),
        ("phone-landline", _mandarin(phone="+7 495 000-00-00"), {"phone"}),
        ("series-short", _mandarin(passport_series="12"), {"passport_series"}),
        ("number-letters", _mandarin(passport_number="86100A"), {"passport_number"}),
        ("name-with-digits", _mandarin(first_name="R2"), {"first_name"}),
        ("member-unknown", _mandarin(sms_code="31415"), {"sms_code"}),
        ("all-at-once", sealing(_but(MANDARIN_PERSON, {"snils": BAD_SNILS, "phone": "1"}), x=1),
         {"reference", "x", "snils", "phone"}, "r" * 300),
        ("used-other-person", sealing(mandarin_person(5, MANDARIN_PHONE)), {"reference"},
         MANDARIN_USED),
        ("used-by-inn", sealing(mandarin_person(2, MANDARIN_PHONE, "inn")), {"reference"},
         MANDARIN_USED),
        ("used-by-another", _mandarin(), {"reference"}, MONETA_USED),
    ),
]  # fmt: skip

_OF_CODES: Final = [
    *_tokens(CODE, {"sms_code": "31415"}, "code"),
    *_bads(
        CODE, "code",
        ("reference-missing", _code("31415"), {"reference"}, ""),
        ("reference-unknown", _code("31415"), {"reference"}),
        ("of-moneta", _code("31415"), {"reference"}, MONETA_USED),
        ("of-npd", _code("31415"), {"reference"}, NPD_USED),
        ("of-intellectmoney", _code("31415"), {"reference"}, LIST_USED),
        ("of-one-that-ended", _code("31415"), {"reference"}, MANDARIN_USED),
        ("the-sixth", _code("31415"), {"sealed"}, SPENT),
        ("argument-unknown", _code("31415", attempt=1), {"attempt"}, SPENT),
        ("in-clear", plain(sms_code="31415"), {"sealed", "sms_code"}, SPENT),
        ("empty", sealing({}), {"sms_code"}, SPENT),
        ("null", _code(None), {"sms_code"}, SPENT),
        ("number", _code(31_415), {"sms_code"}, SPENT),
        ("no-digits", _code(""), {"sms_code"}, SPENT),
        ("letters", _code("3141X"), {"sms_code"}, SPENT),
        ("blank-between", _code("314 15"), {"sms_code"}, SPENT),
        ("arabic-digits", _code("٣١٤١٥"), {"sms_code"}, SPENT),
        ("endless", _code(LONG), {"sms_code"}, SPENT),
        ("member-unknown", sealing({"sms_code": "31415", "phone": SPENT_PHONE}), {"phone"},
         SPENT),
        ("all-at-once", _code("3141X", x=1), {"reference", "sms_code", "x"}, ""),
    ),
]  # fmt: skip

_OF_NOTIFICATIONS: Final = [
    *_tokens(NOTIFICATION, NOTIFICATION_DATA, "notice"),
    *_bads(
        NOTIFICATION, "notice",
        ("reference-given", _notification(), {"reference"}, NPD_USED),
        ("in-clear", plain(upridAsyncId=7), {"sealed", "upridAsyncId"}),
        ("empty", sealing({}), {"notificationId", "notificationName", "upridAsyncId",
                                "upridAsyncStatus", "userPhone"}),
        ("id-missing", _notification(notificationId=None), {"notificationId"}),
        ("id-text", _notification(notificationId="first"), {"notificationId"}),
        ("other-name", _notification(notificationName="receipt"), {"notificationName"}),
        ("task-zero", _notification(upridAsyncId=0), {"upridAsyncId"}),
        ("task-fraction", _notification(upridAsyncId=1.5), {"upridAsyncId"}),
        ("task-beyond-64-bits", _notification(upridAsyncId=2**64), {"upridAsyncId"}),
        ("status-unknown", _notification(upridAsyncStatus="SUSPENDED"), {"upridAsyncStatus"}),
        ("status-true", _notification(upridAsyncStatus=True), {"upridAsyncStatus"}),
        ("phone-missing", _notification(userPhone=None), {"userPhone"}),
        ("phone-landline", _notification(userPhone=74_950_000_000), {"userPhone"}),
        ("success-without-account", _notification(mntAccountId=None), {"mntAccountId"}),
        ("account-list", _notification(mntAccountId=[61_234_567]), {"mntAccountId"}),
        ("all-at-once",
         sealing(_but(NOTIFICATION_DATA, {"upridAsyncId": -1, "userPhone": "x"}), x=1),
         {"upridAsyncId", "userPhone", "x"}),
        reference="",
    ),
]  # fmt: skip

_OF_INTELLECTMONEY: Final = [
    *_bads(
        INVOICES, "invoices",
        ("reference-missing", _filters(), {"reference"}, ""),
        ("filters-missing", plain(), {"filters"}),
        ("filters-null", plain(filters=None), {"filters"}),
        ("filters-list", plain(filters=[ESHOP]), {"filters"}),
        ("argument-unknown", plain(filters={}, eshop_id=1), {"eshop_id"}),
        ("filter-unknown", _filters(owner="x"), {"filters.owner"}),
        ("sealed-given", sealing({"a": 1}, filters={}), {"sealed"}),
        ("eshop-zero", _filters(eshop_id=0), {"filters.eshop_id"}),
        ("eshop-text", _filters(eshop_id="5"), {"filters.eshop_id"}),
        ("eshop-true", _filters(eshop_id=True), {"filters.eshop_id"}),
        ("invoice-negative", _filters(invoice_id=-1), {"filters.invoice_id"}),
        ("state-unknown", _filters(state="Lost"), {"filters.state"}),
        # Requests to the sandbox are signed, and where State stands among the signed is not known.
        ("state-unsignable", _filters(state="Paid"), {"filters.state"}),
        ("date-russian", _filters(date_from="31.01.2026"), {"filters.date_from"}),
        ("date-no-day", _filters(date_to="2026-02-30"), {"filters.date_to"}),
        ("dates-reversed", _filters(date_from="2026-02-01", date_to="2026-01-31"),
         {"filters.date_to"}),
        ("transactions-number", _filters(include_payment_transactions=1),
         {"filters.include_payment_transactions"}),
        ("page-of-none", _filters(page_size=0), {"filters.page_size"}),
        ("page-too-large", _filters(page_size=1_001), {"filters.page_size"}),
        ("all-at-once", plain(filters={"eshop_id": 0, "x": 1}, y=1),
         {"reference", "filters.eshop_id", "filters.x", "y"}, "  "),
        ("used-other-filters", _filters(eshop_id=ESHOP, page_size=7), {"reference"},
         INVOICES_USED),
        ("used-by-another", _filters(eshop_id=ESHOP), {"reference"}, NPD_USED),
    ),
    *_bads(
        LIST_SCHEDULED, "list",
        ("filters-missing", plain(), {"filters"}),
        ("filter-of-invoices", _filters(eshop_id=5), {"filters.eshop_id"}),
        ("operation-no-guid", _filters(operation_id="7"), {"filters.operation_id"}),
        ("state-two", _filters(state=2), {"filters.state"}),
        ("object-zero", _filters(object_id=0), {"filters.object_id"}),
        ("dates-reversed", _filters(date_from="2026-02-01", date_to="2026-01-31"),
         {"filters.date_to"}),
        ("sealed-given", sealing({"a": 1}, filters={}), {"sealed"}),
        ("used-other-filters", _filters(object_id=OBJECT + 1), {"reference"}, LIST_USED),
        ("used-by-another-kind", _filters(), {"reference"}, INVOICES_USED),
    ),
    *_bads(
        SAVE_SCHEDULED, "save",
        ("operation-missing", plain(), {"operation"}),
        ("operation-text", plain(operation="x"), {"operation"}),
        ("empty", plain(operation={}), {
            "operation.object_id", "operation.object_type", "operation.params",
            "operation.repeat_plan",
        }),
        ("member-unknown", _change(comment="x"), {"operation.comment"}),
        ("id-no-guid", _change(operation_id="7"), {"operation.operation_id"}),
        ("object-text", _change(object_id="5"), {"operation.object_id"}),
        ("type-zero", _change(object_type=0), {"operation.object_type"}),
        ("params-no-json", _change(params="{"), {"operation.params"}),
        ("params-list", _change(params="[1]"), {"operation.params"}),
        ("plan-of-six", _change(repeat_plan="0 0 12 1 * ?"), {"operation.repeat_plan"}),
        ("plan-no-hour", _change(repeat_plan="0 0 25 1 * ? *"), {"operation.repeat_plan"}),
        ("plan-two-days", _change(repeat_plan="0 0 12 1 * 2 *"), {"operation.repeat_plan"}),
        ("retry-plan", _change(retry_on_fail_plan="never"), {"operation.retry_on_fail_plan"}),
        ("retry-count", _change(retry_on_fail_count=-1), {"operation.retry_on_fail_count"}),
        ("single-two", _change(is_single=2), {"operation.is_single"}),
        ("state-text", _change(state="on"), {"operation.state"}),
        ("end-no-day", _change(end_exec_date="2026-13-01"), {"operation.end_exec_date"}),
        ("sealed-given", sealing({"a": 1}, operation=scheduled_change(OBJECT)), {"sealed"}),
        ("all-at-once", plain(operation=scheduled_change(0, is_single=2), x=1),
         {"reference", "operation.object_id", "operation.is_single", "x"}, 5),
        ("used-other-plan", _change(repeat_plan="0 0 13 1 * ? *"), {"reference"}, SAVE_USED),
        ("used-by-another", _change(), {"reference"}, MONETA_USED),
    ),
]  # fmt: skip

_PERSONS: Final = {"attempt": 1, "by": "me", "note": ""}
_OF_RETRIES: Final = _bads(
    RETRY, "retry",
    ("npd-faulty-data", sealing(_but(NPD_PERSON, {"passport__number": "1"}), **_PERSONS),
     {"passport.number"}, NPD_USED),
    ("npd-while-it-runs", plain(**_PERSONS), {"reference"}, NPD_USED),
    ("mandarin-both", sealing({**MANDARIN_PERSON, "inn": "501716749325"}, **_PERSONS),
     {"snils", "inn"}, MANDARIN_USED),
    ("mandarin-of-a-success", plain(**_PERSONS), {"reference"}, MANDARIN_USED),
    ("intellectmoney-sealed", sealing({"a": 1}, **_PERSONS), {"sealed"}, SAVE_USED),
)  # fmt: skip

BAD: Final = [
    *_OF_NPD, *_OF_MANDARIN, *_OF_CODES, *_OF_NOTIFICATIONS, *_OF_INTELLECTMONEY, *_OF_RETRIES,
]  # fmt: skip
