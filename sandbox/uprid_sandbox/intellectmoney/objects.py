"""The scenarios of scheduled operations: an object's is `ObjectId % 1000`.

It has `ObjectId // 1000 % 1000` operations from the beginning: 12 for 1012530.
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
    Manner,
    Nonsense,
    Queued,
    Spoilt,
    Trouble,
)
from uprid_sandbox.intellectmoney.scenarios import Object, Write
from uprid_sandbox.pages import BAD_GATEWAY, SERVER_ERROR, UNAVAILABLE, WELCOME
from uprid_sandbox.steps import EVER

_NO_EFFECT: Final = False


def _lost(number: int, name: str, act: Act, what: str) -> Object:
    return Object(number, name, f"stored, then {what}: confirmed by the list", Write(Trouble(act)))


def _nothing(number: int, name: str, act: Act, what: str) -> Object:
    write = Write(Trouble(act), effect=_NO_EFFECT)
    return Object(number, name, f"{what}, nothing stored: a person; the next write is done", write)


def _refused(number: int, name: str, codes: Codes, what: str) -> Object:
    return Object(number, name, what, Write(Trouble(codes, EVER), effect=_NO_EFFECT))


def _queued(
    number: int, name: str, queued: Queued, what: str, *, effect: bool = True, late: float = 0.0
) -> Object:
    return Object(number, name, f"queued; {what}", Write(Trouble(queued, EVER), effect, late))


def _list(number: int, name: str, act: Act, what: str, times: int | None = EVER) -> Object:
    return Object(number, name, what, listing=Trouble(act, times))


#: Of a write, what stands in the place of no data is `SetScheduledOperationData` 0.
_NOT_EDITED: Final = Codes(data=False)

_WRITES: Final = (
    Object(500, "write", "done: success"),
    Object(501, "write_in_words", "done, true and false in the place of 1 and 0: success",
           manner=Manner.WORDS),
    Object(502, "write_with_warnings", "done, State 1: success, sent as warnings",
           Write(Trouble(WARNED, EVER))),
    Object(503, "write_in_the_other_language", "XML where JSON was asked for, and the other way "
           "round: success", manner=Manner.OTHER_LANGUAGE),
    _refused(510, "write_refused", _NOT_EDITED, "SetScheduledOperationData 0: failed"),
    _refused(511, "write_error", FAILED, "OperationState 2: failed"),
    _refused(512, "write_unauthenticated_for_ever", UNAUTHENTICATED, "State 2 on every write: "
             "fetched once more, then configuration"),
    Object(513, "write_unauthenticated_once", "State 2 on the first write, nothing stored; then "
           "done", Write(Trouble(UNAUTHENTICATED), effect=_NO_EFFECT)),
    _queued(520, "write_queued", Queued(), "listed a delay later: success", late=1.0),
    _queued(521, "write_queued_and_listed", Queued(), "listed at once: success"),
    _queued(522, "write_queued_for_ever", Queued(None), "never listed: a person",
            effect=_NO_EFFECT),
    _queued(523, "write_queued_then_refused", Queued(then=_NOT_EDITED), "then "
            "SetScheduledOperationData 0, never listed: failed by the result, else a person",
            effect=_NO_EFFECT),
    _queued(524, "write_queued_slowly", Queued(3), "listed three delays later: success", late=3.0),
    _queued(525, "write_queued_without_number", Queued(numbered=False), "no OperationId, listed "
            "a delay later: success", late=1.0),
    _queued(526, "write_queued_then_error", Queued(then=FAILED), "then OperationState 2, never "
            "listed: failed by the result, else a person", effect=_NO_EFFECT),
    _lost(530, "write_stored_and_dropped", Drop(), "the connection is closed"),
    _lost(531, "write_stored_and_500", SERVER_ERROR, "HTTP 500"),
    _lost(532, "write_stored_and_hung", Hang(), "no reply"),
    _lost(533, "write_stored_and_cut", Spoilt(Flaw.CUT), "the connection breaks mid-body"),
    _lost(534, "write_stored_and_html", WELCOME, "HTML with HTTP 200"),
    _lost(535, "write_stored_and_truncated", Spoilt(Flaw.TRUNCATED), "half a document"),
    Object(536, "write_stored_late_and_dropped", "stored, then the connection is closed; listed "
           "a delay later: confirmed by the list", Write(Trouble(Drop()), late=1.0)),
    _lost(537, "write_stored_and_unknown_code", Codes("7", None, data=False), "OperationState 7"),
    _nothing(540, "write_dropped", Drop(), "the connection is closed"),
    _nothing(541, "write_500", SERVER_ERROR, "HTTP 500"),
    _nothing(542, "write_hung", Hang(), "no reply"),
    _nothing(543, "write_503", UNAVAILABLE, "HTTP 503 with Retry-After"),
    Object(550, "write_in_company", "stored and dropped, and another client's operation appears "
           "with it: a person", Write(Trouble(Drop()), company=True)),
    Object(551, "write_queued_in_company", "queued, listed a delay later, and another client's "
           "appears with it: a person",
           Write(Trouble(Queued(None), EVER), late=1.0, company=True)),
)  # fmt: skip

_LISTS: Final = (
    Object(600, "list", "the list comes: success"),
    _list(601, "list_queued", Queued(), "every list is queued, and had a delay later: success"),
    _list(602, "list_queued_for_ever", Queued(None), "the list stays queued: expired"),
    _list(603, "list_error", FAILED, "OperationState 2: failed"),
    _list(604, "list_unauthenticated_for_ever", UNAUTHENTICATED, "State 2: fetched once more, "
          "then configuration"),
    _list(605, "list_502", BAD_GATEWAY, "HTTP 502 twice, then the list: success", 2),
    _list(606, "list_hangs", Hang(), "no reply once, then the list: success", 1),
    _list(607, "list_garbage", Nonsense.GARBAGE, "no document once, then the list: success", 1),
    _list(608, "list_hostile", Nonsense.HOSTILE, "entities or depth once, then the list: success",
          1),
    _list(609, "list_unauthenticated_once", UNAUTHENTICATED, "State 2 once, then the list: "
          "success", 1),
    Object(610, "list_with_neighbours", "a write is stored and dropped, every list holds a further "
           "operation of another object: confirmed by the object's own", Write(Trouble(Drop())),
           manner=Manner.NEIGHBOURS),
    Object(611, "list_without_id", "a listed operation has no OperationId: a person",
           damage=Damage.NO_ID),
    Object(612, "write_dropped_and_list_queued", "a write is stored and dropped, the list is "
           "queued: confirmed by the list", Write(Trouble(Drop())), Trouble(Queued(), EVER)),
    _list(613, "list_huge", Spoilt(Flaw.HUGE), "16 MB more than there should be: cut off"),
    _list(614, "list_without_list", Codes(data=False), "State 0 without a list: a person"),
)  # fmt: skip

OBJECTS: Final[dict[int, Object]] = {each.number: each for each in (*_WRITES, *_LISTS)}
_WELL: Final = Object(0, "nothing", "nothing befalls it")


def object_scenario(object_id: int) -> Object:
    """Return what befalls an object."""
    return OBJECTS.get(object_id % 1000, _WELL)
