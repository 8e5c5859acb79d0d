"""`uprid events`: reads the result stream, and publishes events again."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Final, cast

import redis
import typer

from config.settings import Need, Settings
from uprid_client.events.entry import ForeignEntry, read
from uprid_client.events.replies import trouble
from uprid_client.redis_server.connection import connect
from worker.cli import streams
from worker.cli.ages import since as parsed
from worker.cli.exits import MISUSED, Stop, opened, settings_for
from worker.cli.outlet import relay_of
from worker.cli.output import moment, printable, say, say_json
from worker.cli.streams import complain
from worker.stream.stream import Stream

app = typer.Typer(no_args_is_help=True, help="The result stream.")

_LAST: Final = 10
_BATCH: Final = 500
#: Seconds; shorter than the connection's own patience.
_BLOCK: Final = 5.0
_BEGINNING: Final = "0-0"
_STREAM_ID: Final = re.compile(r"[0-9]{1,20}(-[0-9]{1,20})?")
#: Both parts of a stream id are numbers of 64 bits.
_LARGEST: Final = 2**64 - 1


@app.command()
def tail(
    start: Annotated[
        str | None, typer.Option("--from", metavar="ID", help="Events after this stream id.")
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="All events, from the oldest on.")
    ] = False,
    follow: Annotated[
        bool, typer.Option("--follow/--no-follow", help="Wait for more until Ctrl-C.")
    ] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
) -> None:
    """Print the last ten events, and then new ones.

    If another program wrote an entry that is no event, its id is printed on standard error.
    """
    if start is not None and everything:
        raise Stop(MISUSED, ["--from, --all: only one of them may be given"])
    if start is not None and not _is_stream_id(start):
        raise Stop(MISUSED, ["--from: is no stream id: take one that tail printed"])
    settings = settings_for(Need.BROKER)
    after = _BEGINNING if everything else start or _before_last(settings)
    try:
        for stream_id, fields in _entries(settings, after, follow=follow):
            _print(stream_id, fields, as_json=as_json)
            streams.flush()
    except KeyboardInterrupt:
        return


@app.command()
def replay(
    since: Annotated[str, typer.Option(metavar="TIME", help="RFC 3339, or an age such as 10m.")],
) -> None:
    """Publish events again, since a time and with the same ids."""
    settings = settings_for(Need.BROKER)
    try:
        begin = parsed(since, datetime.now(UTC))
    except ValueError as error:
        raise Stop(MISUSED, [f"--since: {error}"]) from None
    with opened(settings) as database:
        count = relay_of(settings, database).replay(begin)
    say(f"{count} events made since {moment(begin)} published again")


def _entries(
    settings: Settings, after: str, *, follow: bool
) -> Iterator[tuple[str, dict[str, str]]]:
    stream = Stream(settings.events_url, settings.events.stream)
    try:
        while True:
            found = stream.read(after, count=_BATCH, block=_BLOCK if follow else None)
            yield from found
            if found:
                after = found[-1][0]
            elif not follow:
                return
    finally:
        stream.close()


def _before_last(settings: Settings) -> str:
    """Return an id after which the last few events stand."""
    server = connect(settings.events_url)
    try:
        last = cast("Any", server.xrevrange(settings.events.stream, count=_LAST + 1))
    except redis.RedisError as error:
        raise trouble(error, settings.events.stream) from None
    finally:
        server.close()
    return str(last[-1][0]) if len(last) > _LAST else _BEGINNING


def _is_stream_id(text: str) -> bool:
    parts = text.split("-") if _STREAM_ID.fullmatch(text) else []
    return bool(parts) and all(int(part) <= _LARGEST for part in parts)


def _print(stream_id: str, fields: Mapping[str, str], *, as_json: bool) -> None:
    try:
        entry = read(fields)
    except ForeignEntry as error:
        complain(f"{stream_id}: {error}")
        return
    if as_json:
        say_json({"stream_id": stream_id, **fields, "data": entry.data})
        return
    reason = entry.data.get("reason")
    why = reason.get("code", "") if isinstance(reason, dict) else reason or ""
    attempt = f"attempt {entry.data['attempt']}" if "attempt" in entry.data else ""
    parts = [stream_id, fields["time"], entry.subject, entry.type, attempt, str(why)]
    say(printable("  ".join(part for part in parts if part)))
