"""`uprid show`: prints everything that happened to one operation."""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Annotated, Any

import typer
from sqlalchemy import Connection

from uprid_client.contract.words import is_reference
from worker.cli.diagnosis import diagnose
from worker.cli.exits import FAILED, Stop, opened, settings_for
from worker.cli.output import lasting, moment, say, say_json, say_table
from worker.cli.timeline import story_json, timeline
from worker.store import overview, reading
from worker.store.reading import Row, Story


def show(
    name: Annotated[
        str,
        typer.Argument(
            metavar="ID", help="A reference, or an operation's, provider's or refused message's id."
        ),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Print everything about one operation.

    Every transition, call, duration and reason, and at the end what to type next.
    """
    with opened(settings_for()) as database:
        with database.read() as connection:
            story = _story(connection, name)
            providers = overview.providers(connection)
        now = database.now()
    if as_json:
        say_json(story_json(story))
        return
    row = story.operation
    if row is None:
        say(f"{story.reference}  no operation: every message was refused")
    else:
        _head(row)
    say()
    say_table(("AT", "AFTER", "WHAT", ""), _lines(story))
    if row is not None:
        diagnosis = diagnose(row, providers.get(row.provider), now)
        say()
        say(f"{row.state.value}: {diagnosis.why}")
        for step in diagnosis.steps:
            say(f"next{f', {step.when}' if step.when else ''}: {step.command}")


def _story(connection: Connection, name: str) -> Story:
    """Return what a name stands for; end with status 1 if that is nothing, or several things."""
    known = is_reference(name)
    story = reading.story(connection, name) if known else None
    found = [story] if story is not None else reading.stories_of(connection, name) if known else []
    match found:
        case []:
            line = f"{name}: neither an operation nor a refused message has this reference or id"
            raise Stop(FAILED, [line])
        case [one]:
            return one
        case _:
            several = ", ".join(each.reference for each in found)
            raise Stop(FAILED, [f"{name}: stands for several, name one of them: {several}"])


def _head(row: Row) -> None:
    say(f"{row.reference}  {row.provider} {row.kind}  {row.state.value}  attempt {row.attempt}")
    known = f", provider's id {row.provider_ref}" if row.provider_ref else ""
    say(f"operation {row.id}{known}, {row.polls} polls")
    if row.missing is not None or row.inputs_sent or row.inputs_waiting:
        say(f"inputs: {_inputs(row)}")
    if row.deadline_at is not None and row.finished_at is None:
        say(f"deadline {moment(row.deadline_at)}")
    if row.finished_at is not None:
        took = lasting(row.finished_at - row.created_at)
        say(f"ended {moment(row.finished_at)}, {took} after it was accepted")
    if row.reason is not None:
        say(f"reason: {_reason(row.reason)}")
    if row.result:
        say(f"result: {_facts(row.result)}")
    if row.answered:
        say("the provider's whole answer is kept, sealed")


def _inputs(row: Row) -> str:
    parts = [f"{row.inputs_sent} sent", f"{row.inputs_waiting} waiting to be sent"]
    if row.missing is not None:
        parts.insert(0, f"{row.provider} waits for {row.missing}")
    return ", ".join(parts)


def _lines(story: Story) -> Iterator[tuple[str, str, str, str]]:
    things = timeline(story)
    began = datetime.fromisoformat(things[0]["at"]) if things else None
    for thing in things:
        at = datetime.fromisoformat(thing["at"])
        after = "" if began is None or at == began else f"+{lasting(at - began)}"
        yield moment(at), after, thing["what"], _detail(thing)


def _detail(thing: Mapping[str, Any]) -> str:
    match thing["what"]:
        case "call":
            return _call(thing)
        case "end":
            why = "" if thing["reason"] is None else f": {_reason(thing['reason'])}"
            return f"attempt {thing['attempt']} {thing['ended_as']}{why}"
        case "event":
            waits = "" if thing["published"] else " (not on the stream yet)"
            return f"{thing['sequence']}. {thing['type']}{waits}"
        case "refused":
            return f"{thing['task']}: {_reason(thing['reason'])} (message {thing['message_id']})"
        case "person" | "ignored":
            why = f": {thing['why']}" if thing.get("why") else ""
            return f"{thing['note']} by {thing['by']}{why}"
        case _:
            return str(thing["note"])


def _call(thing: Mapping[str, Any]) -> str:
    took = f"{thing['slowest_ms']} ms"
    if thing["count"] == 1:
        return f"{thing['note']}, {took}"
    until = moment(datetime.fromisoformat(thing["until"]))
    return f"{thing['note']}, {thing['count']} times until {until}, slowest {took}"


def _reason(reason: Mapping[str, Any]) -> str:
    code = reason["code"]
    if reason.get("provider_code"):
        code += f" ({reason['provider_code']})"
    message = reason.get("message")
    return f"{code}: {message}" if message else code


def _facts(result: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{name} {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}"
        for name, value in result.items()
    )
