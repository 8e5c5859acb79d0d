"""docs/providers.md has all words of the providers' pages; its places and the guesses' exist."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from uprid_client.contract.intellectmoney import INVOICE_STATES
from uprid_client.contract.npd import Status
from worker.providers.intellectmoney.requests import Method as IntellectMoneyMethod
from worker.providers.moneta.faults import MEANINGS
from worker.providers.moneta.mapping import STATUSES
from worker.providers.npd.types import Error
from worker.providers.npd.types import Method as NpdMethod

ROOT = Path(__file__).parents[3]
PROVIDERS = (ROOT / "docs" / "providers.md").read_text("utf-8")
LIMITS = (ROOT / "docs" / "limits.md").read_text("utf-8")
#: The members and words of the pages that no enumeration of ours holds.
_MEMBERS = (
    "asyncId", "expirationDate", "SimplifiedIdentificationResponse", "errorCode", "faultDetail",
    "faultstring", "GetProfileInfoRequest", "parentid",
    "updated", "unitId", "docId", "notificationName", "upridAsyncId", "userPhone", "mntAccountId",
    "POST", "PUT", "GET", "personVerified", "personVerificationFinished", "phoneVerified",
    "phoneVerificationFinished", "personVerificationError",
    "OperationState", "OperationId", "UserToken", "EshopId", "InvoiceId",
    "IncludePaymentTransactions", "DateFrom", "DateTo", "Skip", "Take", "InvoicesHistoryList",
    "CreationDate", "ChangeDate", "CurrentAmount", "SurchargeAmount", "Comment", "EShopId",
    "PurchaseOrderId", "HistoryList", "PaymentNumber", "PaymentAmount", "RecipientAmount",
    "PaymentAccount", "RecipientAccount", "Description", "InvoicePaymentType",
    "SetScheduledOperationData", "GetScheduledOperationData", "ObjectId", "ObjectTypeVal",
    "Params", "RepeatPlan", "RetryOnFailPlan", "RetryOnFailCount", "IsSingle", "FireOnSkip",
    "Created", "Confirm", "Canceled", "Entry", "Purchase", "Refund", "RUB", "TST",
)  # fmt: skip
_WORDS = [
    *sorted(MEANINGS),
    *sorted(STATUSES),
    *Error,
    *NpdMethod,
    *Status,
    *(method.rpartition("/")[2] for method in IntellectMoneyMethod),
    *INVOICE_STATES.values(),
    *_MEMBERS,
]
_PLACES = sorted(set(re.findall(r"`([\w./]+\.py):(\w+)`", PROVIDERS + LIMITS)))


@cache
def names_in(path: str) -> frozenset[str]:
    """Return all functions, classes and values that a file defines, wherever in it."""
    below = ROOT if (ROOT / path).exists() else ROOT / "worker" / "providers"
    tree = ast.parse((below / path).read_text("utf-8"))
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found.add(node.target.id)
    return frozenset(found)


@pytest.mark.parametrize("word", dict.fromkeys(_WORDS))
def test_page_has_every_word_of_the_providers_pages(word: str) -> None:
    assert re.search(rf"`[^`]*\b{re.escape(word)}\b[^`]*`", PROVIDERS)


@pytest.mark.parametrize(("path", "name"), _PLACES)
def test_pages_name_only_places_that_exist(path: str, name: str) -> None:
    assert name in names_in(path)


def test_pages_name_places_at_all() -> None:
    assert len(_PLACES) > 40
