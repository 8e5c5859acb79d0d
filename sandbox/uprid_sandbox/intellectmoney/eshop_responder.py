"""Serves registries of payments."""

from collections import Counter as Numbers

from uprid_sandbox.calls import Tallies
from uprid_sandbox.intellectmoney import calls
from uprid_sandbox.intellectmoney.acts import DONE, Act, Manner
from uprid_sandbox.intellectmoney.counter import Counter, Decision
from uprid_sandbox.intellectmoney.eshops import eshop_scenario
from uprid_sandbox.intellectmoney.forms import read_day
from uprid_sandbox.intellectmoney.invoices import STATES
from uprid_sandbox.intellectmoney.papers import damaged, invoice_data
from uprid_sandbox.intellectmoney.queue import Matter
from uprid_sandbox.intellectmoney.registry import USUAL_ESHOP, Filter, page
from uprid_sandbox.intellectmoney.requests import Request
from uprid_sandbox.intellectmoney.tree import Content, Items

_NAMES = {number: name for name, number in STATES.items()}


class EshopResponder:
    """Counts every page by its Skip."""

    def __init__(self, counter: Counter, log: Tallies) -> None:
        self._counter = counter
        self._log = log
        self._asked: Numbers[tuple[int, int]] = Numbers()

    def arrive(self, request: Request) -> None:
        """Count a request, before it is known what it gets."""
        self._log.of(self.subject(request)).count(calls.ASKED, request.text("Skip") or "0")

    def subject(self, request: Request) -> str:
        """Return what a request is about, as it is counted."""
        return f"eshop:{_eshop(request)}"

    def token_calls(self, request: Request) -> int | None:
        """Return for how many such calls a UserToken is good."""
        return eshop_scenario(_eshop(request)).token_calls

    def serve(self, request: Request) -> Decision:
        """Return a page of the registry, or what befalls it."""
        eshop_id = _eshop(request)
        skip, take = request.number("Skip", 0), request.number("Take", 0)
        self._asked[eshop_id, skip] += 1
        act = _act(eshop_id, skip // take + 1, self._asked[eshop_id, skip])
        matter = Matter(
            request.key,
            lambda data: _content(request) if data else {},
            lambda: self._log.of(self.subject(request)).count(calls.ANSWERED, str(skip)),
        )
        flipped = Manner.OTHER_LANGUAGE in eshop_scenario(eshop_id).manner
        return self._counter.act(act, matter, flipped=flipped)

    def clear(self) -> None:
        """Forget which pages were asked for."""
        self._asked.clear()


def _eshop(request: Request) -> int:
    return request.number("EshopId", USUAL_ESHOP)


def _act(eshop_id: int, page_number: int, ask: int) -> Act:
    scenario = eshop_scenario(eshop_id)
    troubles = (each for each in (scenario.trouble, scenario.beside) if each is not None)
    acts = (each.act_at(ask, page_number) for each in troubles)
    return next((act for act in acts if act is not None), DONE)


def _content(request: Request) -> Content:
    eshop_id = _eshop(request)
    invoices = page(
        eshop_id, _filter(request), request.number("Skip", 0), request.number("Take", 0)
    )
    detailed = request.text("IncludePaymentTransactions") == "true"
    papers = [invoice_data(each, with_transactions=detailed) for each in invoices]
    damage = eshop_scenario(eshop_id).damage
    if damage is not None and papers:
        papers[0] = damaged(papers[0], damage)
    return {"InvoicesHistoryList": Items("InvoiceData", papers)}


def _filter(request: Request) -> Filter:
    values = request.values
    state, first, last = values.get("State"), values.get("DateFrom"), values.get("DateTo")
    return Filter(
        state=None if state is None else _NAMES.get(state, state),
        invoice_id=request.number("InvoiceId", 0) or None,
        first_day=None if first is None else read_day(first),
        last_day=None if last is None else read_day(last),
    )
