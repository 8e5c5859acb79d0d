"""The result stream: one atomic script that checks, deduplicates and appends."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, cast

import redis

from uprid_client.events.entry import SOURCE
from uprid_client.events.replies import entries, trouble
from uprid_client.redis_server.connection import connect
from worker.domain.events import CONTENT_TYPE, SPECVERSION, rfc3339
from worker.store.outbox import Line

#: Seconds for which the server remembers an event's id: long enough to cover a relay that died
#: between appending an event and recording that.
_REMEMBERED: Final = 86_400
_MARK_SUFFIX: Final = ":mark"
_SEEN_SUFFIX: Final = ":seen:"

# KEYS: stream, mark, then one key an event. ARGV: the mark and the last id that the database knows
# ('' and '0-0' where it knows none), a mark to leave where there is none, seconds to remember ids,
# '1' to look for doubles, then each event's fields as one packed list.
# Returns {verdict, mark, last id, ids…}; the verdict is 'ok', 'wiped' or 'behind'.
# Others can write to these keys: what is no mark or no id of the stream's counts as none.
_SCRIPT: Final = """
local function parts(id)
  local ms, no = string.match(id, '^(%d+)-(%d+)$')
  return tonumber(ms), tonumber(no)
end
local function text(key, pattern)
  local value = redis.pcall('GET', key)
  if type(value) == 'string' and string.match(value, pattern) then return value end
  return false
end
local mark = text(KEYS[2], '^[%w-]+$')
if mark and #mark > 36 then mark = false end
local last = '0-0'
if redis.call('EXISTS', KEYS[1]) == 1 then
  local info = redis.call('XINFO', 'STREAM', KEYS[1])
  for i = 1, #info, 2 do
    if info[i] == 'last-generated-id' then last = info[i + 1] end
  end
end
if ARGV[1] ~= '' and mark ~= ARGV[1] then return {'wiped', mark or '', last} end
local function after_last(id)
  local last_ms, last_no = parts(last)
  local ms, no = parts(id)
  return ms > last_ms or (ms == last_ms and no > last_no)
end
local function is_there(id)
  local found = redis.pcall('XRANGE', KEYS[1], id, id)
  return type(found) == 'table' and found[1] ~= nil
end
if after_last(ARGV[2]) then return {'behind', mark or '', last} end
if not mark then
  mark = ARGV[3]
  redis.call('SET', KEYS[2], mark)
end
local answer = {'ok', mark, last}
for i = 3, #KEYS do
  local id = false
  if ARGV[5] == '1' then id = text(KEYS[i], '^%d+-%d+$') end
  -- An id that is remembered and not on the stream is that of an event that was lost, be it that
  -- the stream has gone on beyond it since.
  if not id or not is_there(id) then
    id = redis.call('XADD', KEYS[1], '*', unpack(cjson.decode(ARGV[i + 3])))
    redis.call('SET', KEYS[i], id, 'EX', ARGV[4])
  end
  answer[#answer + 1] = id
end
return answer
"""


@dataclass(frozen=True, slots=True)
class Appended:
    """What the server answered."""

    #: `ok`; `wiped`: the server's mark is gone or another; `behind`: it lost the stream's tail.
    verdict: str
    mark: str
    #: The stream's last id before this call.
    last_id: str
    #: The stream id of each event, in order.
    ids: tuple[str, ...]


class Stream:
    """The stream on its server.

    Raises `BrokerUnavailable` where the server does not answer, and `StreamUnusable` where the key
    holds something that events cannot be added to.
    """

    def __init__(self, url: str, name: str) -> None:
        self.name = name
        self._server = connect(url)
        self._script = self._server.register_script(_SCRIPT)

    def append(
        self,
        lines: Sequence[Line],
        *,
        mark: str,
        last_id: str,
        new_mark: str,
        deduplicate: bool = True,
    ) -> Appended:
        """Append events in order, unless the server turns out to have lost some."""
        keys = [self.name, self.name + _MARK_SUFFIX]
        keys += [f"{self.name}{_SEEN_SUFFIX}{line.id}" for line in lines]
        look = "1" if deduplicate else "0"
        arguments: list[str | int] = [mark, last_id, new_mark, _REMEMBERED, look]
        try:
            answer = cast(
                "list[str]",
                self._script(keys=keys, args=[*arguments, *(_packed(line) for line in lines)]),
            )
        except redis.RedisError as error:
            raise trouble(error, self.name) from None
        return Appended(answer[0], answer[1], answer[2], tuple(answer[3:]))

    def trim(self, before: datetime) -> int:
        """Drop what is older; return how many."""
        oldest = f"{int(before.timestamp() * 1000)}-0"
        try:
            return self._server.xtrim(self.name, minid=oldest, approximate=True)
        except redis.RedisError as error:
            raise trouble(error, self.name) from None

    def read(
        self, after: str, *, count: int, block: float | None
    ) -> list[tuple[str, dict[str, str]]]:
        """Return up to `count` entries after an id, waiting `block` seconds for the first."""
        milliseconds = None if block is None else int(block * 1000)
        try:
            answer = cast(
                "Any", self._server.xread({self.name: after}, count=count, block=milliseconds)
            )
        except redis.RedisError as error:
            raise trouble(error, self.name) from None
        return entries(answer)

    def close(self) -> None:
        """Close the connections."""
        self._server.close()


def _packed(line: Line) -> str:
    return json.dumps(
        [
            "specversion", SPECVERSION, "id", line.id, "source", SOURCE, "type", line.type,
            "subject", line.subject, "time", rfc3339(line.time),
            "datacontenttype", CONTENT_TYPE, "data", line.data,
        ],
        ensure_ascii=False,
    )  # fmt: skip
