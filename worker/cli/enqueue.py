"""`uprid enqueue`: seals and sends what is written in files."""

import shlex
from collections.abc import Iterable, Iterator
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.progress import track

from config.settings import Need
from uprid_client import Client
from uprid_client.errors import BrokerUnavailable, MessageTooLarge
from uprid_client.names import Provider
from worker.cli import streams
from worker.cli.access import client_of
from worker.cli.documents import BadDocument, Document, read, split
from worker.cli.exits import FAILED, Stop, explained, settings_for
from worker.cli.output import say
from worker.cli.streams import complain

_STANDARD_INPUT: Final = "-"

#: Where a document stands, for people: file and line.
Place = str


def enqueue(
    provider: Annotated[Provider, typer.Argument()],
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE...", help="One JSON object or JSON lines; - reads standard input."
        ),
    ],
) -> None:
    """Seal and enqueue operations: a task's arguments, with `payload` in clear.

    `"task"` says which one is meant where the provider has several: fetch_invoices, or
    tasks.intellectmoney.fetch_invoices. A bad line is named and not sent; the others are. Sending a
    file again is harmless.
    """
    settings = settings_for(Need.BROKER, Need.KEYS)
    bad = 0
    documents: list[tuple[Place, Document]] = []
    for place, text in _texts(files):
        try:
            documents.append((place, read(text, provider)))
        except BadDocument as error:
            bad += 1
            complain(f"{place}: {error}")
    with client_of(settings) as client:
        sent = _send_all(client, provider, documents)
    bad += len(documents) - len(sent)
    say(f"{len(sent)} enqueued" + (f", {bad} not" if bad else ""))
    reference = sent[0].reference if len(sent) == 1 else None
    if reference is not None:
        say(f"next: uprid show {shlex.quote(reference)}")
    if bad:
        raise typer.Exit(FAILED)


def _texts(files: Iterable[str]) -> Iterator[tuple[Place, str]]:
    for name in files:
        for number, text in split(_content(name)):
            yield f"{'standard input' if name == _STANDARD_INPUT else name}: line {number}", text


def _content(name: str) -> str:
    if name == _STANDARD_INPUT:
        try:
            return streams.read_text()
        except streams.InputUnusable as error:
            raise Stop(FAILED, [f"standard input: {error}"]) from None
    try:
        return streams.path_of(name).read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise Stop(FAILED, [f"{name}: cannot be read ({error.strerror})"]) from None
    except UnicodeDecodeError:
        raise Stop(FAILED, [f"{name}: is not UTF-8: save it as UTF-8"]) from None


def _send_all(
    client: Client, provider: Provider, documents: list[tuple[Place, Document]]
) -> list[Document]:
    """Send what can be sent, and return that."""
    bar = Console(stderr=True)
    shown = track(documents, "enqueueing", console=bar, transient=True, disable=not bar.is_terminal)
    sent: list[Document] = []
    for place, document in shown:
        try:
            _send(client, provider, document)
        except MessageTooLarge as error:
            complain(f"{place}: {error}")
        except BrokerUnavailable as error:
            again = (
                f"{place}: {len(sent)} were enqueued before it; run the same again, it is harmless"
            )
            raise Stop(FAILED, [explained(error), again]) from None
        else:
            sent.append(document)
    return sent


def _send(client: Client, provider: Provider, document: Document) -> None:
    arguments = dict(document.arguments)
    if document.payload is not None:
        arguments["sealed"] = client.seal(document.payload)
    client.enqueue(document.task.value, provider.value, **arguments)
