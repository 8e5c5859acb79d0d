"""The scenarios of registries: an eshop's is `EshopId % 1000`.

It has `EshopId // 1000` invoices: 5000 for 5000104.
"""

from typing import Final

from uprid_sandbox.answers import Drop, Hang
from uprid_sandbox.flaws import Flaw
from uprid_sandbox.intellectmoney.acts import (
    FAILED,
    UNAUTHENTICATED,
    WARNED,
    Act,
    Codes,
    Damage,
    Listing,
    Manner,
    Nonsense,
    Queued,
    Spoilt,
    Trouble,
)
from uprid_sandbox.intellectmoney.scenarios import Eshop
from uprid_sandbox.pages import BAD_GATEWAY, REDIRECT, SERVER_ERROR, TOO_MANY, UNAVAILABLE, WELCOME
from uprid_sandbox.steps import EVER

_QUEUED: Final = Trouble(Queued(), EVER)


def _passing(number: int, name: str, act: Act, what: str, times: int = 1, every: int = 1) -> Eshop:
    return Eshop(number, name, f"{what}, then all", Trouble(act, times, every))


def _always(number: int, name: str, act: Act, what: str) -> Eshop:
    return Eshop(number, name, what, Trouble(act, EVER))


_COMING: Final = (
    Eshop(0, "registry", "all pages at once: success"),
    Eshop(1, "registry_with_warnings", "State 1 on every page: success, sent as warnings",
          Trouble(WARNED, EVER)),
    Eshop(2, "registry_in_the_other_language", "XML where JSON was asked for, and the other way "
          "round: success", manner=Manner.OTHER_LANGUAGE),
    Eshop(3, "registry_of_state_numbers", "states by their numbers: success",
          manner=Manner.NUMBERS),
    Eshop(4, "registry_of_strange_states", "some states are 5, some Frozen: success, counted so",
          manner=Manner.STRANGE_STATES),
    Eshop(5, "registry_of_strange_currencies", "some amounts are in EUR: success, summed apart",
          manner=Manner.STRANGE_CURRENCIES),
    Eshop(10, "registry_changed_meanwhile", "the first three come again at the end, newer: "
          "success, the newer ones count", listing=Listing.NEWER_LAST),
    Eshop(11, "registry_outdated_at_the_end", "the first three come again at the end, older: "
          "success, the first ones count", listing=Listing.OLDER_LAST),
    Eshop(12, "registry_shifted", "every tenth one comes twice: success, each counted once",
          listing=Listing.SHIFTED),
    Eshop(20, "registry_endless", "every page is full of further ones, without end",
          listing=Listing.ENDLESS),
    Eshop(21, "registry_stuck", "every page is the first one, without end", listing=Listing.STUCK),
)  # fmt: skip

_LATE: Final = (
    Eshop(100, "every_page_queued", "every page is queued: success a delay later each", _QUEUED),
    Eshop(103, "every_third_page_queued", "pages 3, 6, 9 … are queued: success",
          Trouble(Queued(), EVER, every=3)),
    Eshop(104, "third_pages_queued_others_ill", "pages 3, 6, 9 … are queued, every other page "
          "gets one 502: success", Trouble(Queued(), EVER, every=3), Trouble(BAD_GATEWAY)),
    Eshop(110, "second_page_queued_for_ever", "pages 2, 4, 6 … stay queued: expired",
          Trouble(Queued(None), EVER, every=2)),
    Eshop(111, "queued_for_ever", "the first page stays queued: expired",
          Trouble(Queued(None), EVER)),
    Eshop(112, "queued_then_error", "queued, then OperationState 2: failed",
          Trouble(Queued(then=FAILED), EVER)),
    Eshop(113, "queued_slowly", "queued for three delays: success", Trouble(Queued(3), EVER)),
    Eshop(114, "queued_without_number", "queued without an OperationId: only the same call again "
          "gets on", Trouble(Queued(numbered=False), EVER)),
    Eshop(115, "queued_then_unauthenticated", "queued, then always State 2: configuration",
          Trouble(Queued(then=UNAUTHENTICATED), EVER)),
)  # fmt: skip

_REFUSED: Final = (
    _always(200, "operation_error", FAILED, "OperationState 2: failed"),
    Eshop(201, "operation_error_later", "OperationState 2 from page 2 on every other page: "
          "failed, what came before is stored", Trouble(FAILED, EVER, every=2)),
    _always(210, "unauthenticated_for_ever", UNAUTHENTICATED, "State 2 for every UserToken: "
            "fetched once more, then configuration"),
    _passing(211, "unauthenticated_once", UNAUTHENTICATED, "State 2 once on every page"),
    Eshop(212, "token_good_for_three_calls", "each UserToken is good for three calls: success",
          token_calls=3),
    Eshop(213, "token_good_for_one_call", "each UserToken is good for one call: success",
          token_calls=1),
)  # fmt: skip

_PASSING: Final = (
    _passing(300, "page_500", SERVER_ERROR, "HTTP 500 twice on every page", 2),
    _passing(301, "page_503", UNAVAILABLE, "HTTP 503 with Retry-After once on every page"),
    _passing(302, "page_429", TOO_MANY, "HTTP 429 with Retry-After once on every page"),
    _passing(303, "page_hangs", Hang(), "no reply on every third page", every=3),
    _passing(304, "page_dropped", Drop(), "connection closed twice on every page", 2),
    _passing(305, "page_garbage", Nonsense.GARBAGE, "no document, once on every page"),
    _passing(306, "page_truncated", Spoilt(Flaw.TRUNCATED), "half a document, once on every page"),
    _passing(307, "page_empty", Nonsense.EMPTY, "an empty body, once on every page"),
    _passing(308, "page_cut", Spoilt(Flaw.CUT), "connection breaks mid-body, once on every page"),
    _passing(309, "page_drips", Spoilt(Flaw.DRIPPING), "a byte now and then, on every third page",
             every=3),
    _passing(310, "page_html", WELCOME, "HTML with HTTP 200, once on every page"),
    _passing(311, "page_hostile", Nonsense.HOSTILE, "entities in XML, depth in JSON, once on "
             "every page"),
    _passing(312, "page_strange", Nonsense.STRANGER, "a document that is no Response, once on "
             "every page"),
    _passing(313, "page_redirected", REDIRECT, "HTTP 302 to another host, once on every page"),
)  # fmt: skip

_BREACHES: Final = (
    _always(400, "page_always_huge", Spoilt(Flaw.HUGE), "16 MB more than there should be: cut off"),
    _always(401, "operation_code_unknown", Codes("7", None, data=False), "OperationState 7: "
            "a person"),
    _always(402, "request_code_unknown", Codes(request="9"), "State 9 beside a full page: a "
            "person"),
    _always(403, "no_operation_state", Codes(None), "no OperationState: a person"),
    _always(404, "no_result", Codes("0", None, data=False), "OperationState 0 without a Result: "
            "a person"),
    _always(405, "no_list", Codes(data=False), "State 0 without a list: a person"),
    _always(406, "operation_code_is_text", Codes("готово"), "OperationState is a word: a person"),
    _always(407, "always_html", WELCOME, "HTML with HTTP 200, always"),
    _always(408, "always_500", SERVER_ERROR, "always HTTP 500"),
    _always(409, "always_hostile", Nonsense.HOSTILE, "entities in XML, depth in JSON, always"),
    Eshop(410, "invoice_without_id", "an invoice has no Id: a person", damage=Damage.NO_ID),
    Eshop(411, "invoice_with_two_ids", "an invoice has two Ids: a person", damage=Damage.TWO_IDS),
    Eshop(412, "invoice_with_bad_amount", "an amount is a word: a person",
          damage=Damage.BAD_AMOUNT),
    Eshop(413, "invoice_with_vast_amount", "an amount is 1e400: a person",
          damage=Damage.VAST_AMOUNT),
    Eshop(414, "invoice_with_bad_date", "a date is a word: a person", damage=Damage.BAD_DATE),
)  # fmt: skip

ESHOPS: Final[dict[int, Eshop]] = {
    each.number: each for table in (_COMING, _LATE, _REFUSED, _PASSING, _BREACHES) for each in table
}


def eshop_scenario(eshop_id: int) -> Eshop:
    """Return what befalls an eshop."""
    return ESHOPS.get(eshop_id % 1000, ESHOPS[0])
