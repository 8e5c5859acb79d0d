"""Reads a task queue's entry strictly: what goes on to Celery, or why nothing does.

Kombu and Celery parse a queue's entry before any code of ours sees it, and an entry that is not as
their protocol has it ends the process. So nothing goes on to them as it came: what they get is made
here, from what is known to be sound.
"""

import base64
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final, NoReturn
from uuid import uuid4

from kombu.utils import json as kombu_json

from uprid_client.contract.words import is_reference
from uprid_client.names import LARGEST_MESSAGE
from uprid_client.shown_names import shown_task
from worker.intake.message import storable
from worker.process.queueing.bodies import Misread, decoded, inflated
from worker.process.queueing.finding import found_names
from worker.process.queueing.times import waiting_until, wanted_until
from worker.process.queueing.unreadable import Cause, Unreadable

#: An entry in the shape that kombu takes.
Entry = dict[str, Any]

#: The property that stands in for an entry that cannot be taken, until its refusal is published.
UNREADABLE: Final = "uprid_unreadable"

_JSON: Final = "application/json"
_CHARSETS: Final = frozenset({"utf-8", "utf8", "us-ascii", "ascii", "binary"})
#: What is not a message of ours may be nested so deep that Celery ends in a RecursionError.
_DEEPEST: Final = 64
_LONGEST_NAME: Final = 255
_MOST_TRIES: Final = 10**6
_PRIORITIES: Final = range(10)
_CHAINED: Final = ("callbacks", "errbacks", "chain", "chord")
#: What reading JSON ends in, and the types that kombu makes of some objects.
_STUMBLES: Final = (
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    RecursionError,
)


def read(raw: bytes, queue: str, longest: timedelta) -> Entry | Unreadable:
    """Read an entry that lay in a queue; `longest` is how long a message may want to wait."""
    if len(raw) > LARGEST_MESSAGE:
        message_id, task = found_names(raw)
        unreadable = Unreadable.of(Cause.TOO_LARGE, queue, raw)
        return unreadable.naming(message_id=message_id, task=shown_task(task), reference=None)
    seen = _Seen()
    try:
        return _read(raw, queue, longest, seen)
    except Misread as misread:
        return Unreadable.of(misread.cause, queue, raw).naming(
            message_id=seen.message_id, task=shown_task(seen.task), reference=seen.reference
        )


def standing_in(unreadable: Unreadable, queue: str) -> Entry:
    """Return an entry that stands for one that cannot be taken: a worker refuses it."""
    return _entry(queue, b"", {}, {UNREADABLE: unreadable.as_json()})


class _Seen:
    """What could be read of an entry before it proved to be faulty."""

    message_id: str | None = None
    task: str | None = None
    reference: str | None = None

    def look_at(self, headers: object) -> None:
        """Take a message's id and task, which stand in its headers."""
        if isinstance(headers, Mapping):
            self.message_id, self.task = _name(headers.get("id")), _name(headers.get("task"))


def _read(raw: bytes, queue: str, longest: timedelta, seen: _Seen) -> Entry:
    entry = envelope(raw)
    seen.look_at(entry.get("headers"))
    properties = _object(entry.get("properties"), Cause.PROPERTIES)
    stand_in = Unreadable.from_json(properties.get(UNREADABLE))
    if stand_in is not None:
        return standing_in(stand_in, queue)
    headers = _object(entry.get("headers"), Cause.HEADERS)
    body = _body(entry, properties, headers)
    content = content_of(body)
    if isinstance(content, dict):
        headers, content = _of_the_first_protocol(headers, content)
        seen.look_at(headers)
        body = kombu_json.dumps(content).encode()
    arguments, keywords, chained = _parts(content)
    reference = keywords.get("reference")
    if isinstance(reference, str) and is_reference(reference):
        seen.reference = reference
    if any(chained.get(name) for name in _CHAINED):
        raise Misread(Cause.CHAINED)
    if seen.message_id is None:
        raise Misread(Cause.ID)
    if seen.task is None:
        raise Misread(Cause.TASK)
    if any(value is not None or name not in _CHAINED for name, value in chained.items()):
        # Celery would take them for its own words about the task.
        body = kombu_json.dumps([arguments, keywords, {}]).encode()
    return _entry(
        queue,
        body,
        _headers(seen.message_id, seen.task, headers, longest),
        {"correlation_id": seen.message_id},
        priority_of(properties),
    )


def envelope(raw: bytes) -> Entry:
    """Return the JSON object that an entry is; raise `Misread`."""
    try:
        entry = json.loads(raw.decode(), parse_constant=_no_number)
    except UnicodeDecodeError:
        raise Misread(Cause.NOT_UTF8) from None
    except (ValueError, RecursionError):
        raise Misread(Cause.NOT_JSON) from None
    return _object(entry, Cause.NO_OBJECT)


def priority_of(properties: object) -> int:
    """Return a message's priority as kombu has it; 0 where none is given."""
    given = properties.get("priority") if isinstance(properties, Mapping) else None
    return given if type(given) is int and given in _PRIORITIES else 0


def _no_number(_name: str) -> NoReturn:
    # Python reads NaN and Infinity, and JSON has neither.
    raise ValueError


def _object(given: object, cause: Cause) -> Entry:
    if not isinstance(given, dict):
        raise Misread(cause)
    return given


def _name(given: object) -> str | None:
    return storable(given)[:_LONGEST_NAME] if isinstance(given, str) and given else None


def _body(entry: Entry, properties: Entry, headers: Entry) -> bytes:
    body = decoded(entry.get("body"), properties.get("body_encoding"))
    # Its absence is reported before the content, of which nothing can be said then.
    compression = headers.get("compression")
    if compression:
        body = inflated(body, compression)
    content_type, charset = entry.get("content-type"), entry.get("content-encoding")
    if content_type != _JSON:
        raise Misread(Cause.CONTENT_TYPE)
    if charset is not None and (not isinstance(charset, str) or charset.lower() not in _CHARSETS):
        raise Misread(Cause.CONTENT_ENCODING)
    return body


def content_of(body: bytes) -> Any:  # noqa: ANN401 - what JSON holds
    """Return the JSON of a body; raise `Misread`."""
    try:
        # Kombu's, as Celery will read it: it makes dates and the like of some objects.
        content = kombu_json.loads(body)
    except _STUMBLES:
        raise Misread(Cause.BODY_NOT_JSON) from None
    if _is_deep(content):
        raise Misread(Cause.BODY_NOT_JSON)
    return content


def _is_deep(content: object) -> bool:
    layer = [content]
    for _ in range(_DEEPEST):
        layer = [
            inner
            for each in layer
            if isinstance(each, dict | list)
            for inner in (each.values() if isinstance(each, dict) else each)
        ]
        if not layer:
            return False
    return True


def _parts(content: object) -> tuple[list[Any], Entry, Entry]:
    match content:
        case [list() as arguments, dict() as keywords, dict() as chained]:
            return arguments, keywords, chained
        case [list() as arguments, dict() as keywords, None]:
            return arguments, keywords, {}
    raise Misread(Cause.BODY_SHAPE)


def _of_the_first_protocol(headers: Entry, content: Entry) -> tuple[Entry, list[Any]]:
    """Return headers and body as Celery's second protocol has them: the first had one object."""
    if not {"args", "kwargs"} & content.keys():
        raise Misread(Cause.BODY_SHAPE)
    arguments, keywords = content.get("args"), content.get("kwargs")
    chained = {name: content[name] for name in _CHAINED if content.get(name)}
    return {**content, **headers}, [
        [] if arguments is None else arguments,
        {} if keywords is None else keywords,
        chained,
    ]


def _headers(message_id: str, task: str, given: Entry, longest: timedelta) -> Entry:
    """Return the headers that Celery gets.

    Nothing else of the sender's: most of it would be shown in Flower, which does not look for
    people's names in a message's `shadow`, `origin` or `stamps`.
    """
    tries = given.get("retries")
    return {
        "lang": "py",
        "task": task,
        "id": message_id,
        "root_id": _name(given.get("root_id")) or message_id,
        "parent_id": _name(given.get("parent_id")),
        "group": None,
        "eta": waiting_until(given.get("eta"), longest),
        "expires": wanted_until(given.get("expires")),
        "retries": tries if type(tries) is int and 0 <= tries <= _MOST_TRIES else 0,
        "timelimit": [None, None],
        "ignore_result": True,
    }


def _entry(queue: str, body: bytes, headers: Entry, properties: Entry, priority: int = 0) -> Entry:
    return {
        "body": base64.b64encode(body).decode(),
        "content-type": _JSON,
        "content-encoding": "utf-8",
        "headers": headers,
        "properties": {
            **properties,
            # The message is held under it until it is acknowledged. The sender's may be another
            # message's, too: two deliveries of one message would be acknowledged as one.
            "delivery_tag": str(uuid4()),
            "delivery_mode": 2,
            # Where it comes back to: the queue that it lay in, not the one that the sender wrote.
            "delivery_info": {"exchange": "", "routing_key": queue},
            "priority": priority,
            "body_encoding": "base64",
        },
    }
