"""A fifth provider, added to a copy of the product: five additions, and no other change.

Its folder, its settings block, the models of its contract, its task module, and one line of the
enum of providers. It counts: a job is started at its host, and polled until it is done.
"""

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[3]
#: What a process needs of the tree; those of it that there are.
_PACKAGES: Final = ("config", "worker", "tasks", "client/uprid_client", "sandbox/uprid_sandbox")
#: Where the line of the enum and the settings block go.
_ENUM: Final = re.compile(
    r'(class Provider\(StrEnum\):.*?)(\n    INTELLECTMONEY = "[a-z]+"\n)', re.DOTALL
)
_BLOCKS: Final = re.compile(r"(\n\nclass ProviderBlocks\(.*)", re.DOTALL)

_SETTINGS: Final = '''

class ToySettings(ProviderSettings):
    """The toy provider."""

    deadline: Duration = timedelta(minutes=5)
    poll: PollPolicy = PollPolicy(first_after=0.2, then=0.2)
'''
_FIELD: Final = "    toy: ToySettings | None = None\n"

_CONTRACT: Final = '''"""What a marketplace gives for the toy provider."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field

from uprid_client.contract.arguments import Start
from uprid_client.contract.given import Given
from uprid_client.contract.tasks import TaskContract


class ToyTask(StrEnum):
    """The names of its tasks."""

    START = "tasks.toy.start_count"
    POLL = "tasks.toy.poll"


class StartArguments(Given):
    """What a start message says in clear, but for the reference."""

    amount: Annotated[int, Field(strict=True, gt=0)]


class StartCount(Start, StartArguments):
    """Start a count."""


TASKS: Final[Mapping[ToyTask, TaskContract]] = {ToyTask.START: TaskContract(StartCount)}
'''

_TYPES: Final = '''"""What the toy provider answers."""

from pydantic import BaseModel, ConfigDict


class Job(BaseModel):
    """A job as the host describes it."""

    model_config = ConfigDict(extra="ignore", strict=True)

    id: int
    done: bool
'''

_PLUGIN: Final = '''"""The toy provider as the engine sees it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from pydantic import ValidationError

from config.providers import ToySettings
from uprid_client.names import Provider
from uprid_client.contract.reason_codes import ReasonCode
from uprid_client.contract.states import State
from uprid_client.errors import Refused
from worker.domain.errors import CallFailed
from worker.domain.outcomes import (
    Doubtful,
    Finished,
    NeedsPerson,
    NotSent,
    Outcome,
    Pending,
    Reason,
    Started,
    Trouble,
)
from worker.providers.protocol import Finding, Work
from worker.providers.transport.failures import trouble_of
from uprid_client.contract.given import Writing
from worker.providers.transport.http import Reply
from worker.providers.base import Payload, ProviderPlugin
from worker.providers.progress import Progress as StoredProgress
from worker.providers.resources import Resources
from worker.providers.transport.sessions import session_of
from uprid_client.contract.toy import StartArguments
from worker.providers.toy.types import Job

_DOUBTFUL = Reason(ReasonCode.DOUBTFUL_SUBMIT, "Whether it was taken is not known: look there.")
_LATE = Reason(ReasonCode.DEADLINE_PASSED, "The job was not done in time: retry.", retryable=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress(StoredProgress):
    """What an attempt remembers."""

    looks: int = 0


class ToyPlugin(ProviderPlugin[ToySettings]):
    """Counts at a host."""

    provider = Provider.TOY
    arguments: ClassVar = {"count": StartArguments}

    def payload_of(self, payload: object | None, writing: Writing) -> Payload:
        """Refuse sealed data: there are none."""
        del writing
        if payload is not None:
            raise Refused("sealed is not taken", ["sealed"])
        return None

    def give_up_after(self, kind: str) -> float:
        """Return the deadline in seconds."""
        del kind
        return self._settings.deadline.total_seconds()

    def submit(self, work: Work) -> Outcome:
        """Start a job."""
        body = json.dumps({"amount": work.args["amount"]}).encode()
        try:
            reply = self._session.exchange_at("POST", "/jobs", body, "application/json")
        except CallFailed as failure:
            if failure.never_sent:
                return NotSent(failure.note, trouble_of(failure))
            return Doubtful(failure.note, trouble_of(failure))
        job = _job(reply)
        if job is None:
            return Doubtful("no job", Trouble.UNKNOWN)
        return Started(str(job.id), "started")

    def clear_up(self, work: Work) -> Outcome:
        """Leave it to a person."""
        del work
        return NeedsPerson(_DOUBTFUL, "no job id", calls=0)

    def poll(self, work: Work) -> Outcome:
        """Ask for the job."""
        try:
            reply = self._session.exchange_at("GET", f"/jobs/{work.provider_ref}", b"", None)
        except CallFailed as failure:
            return Pending(failure.note, trouble_of(failure), failure.retry_after)
        job, progress = _job(reply), Progress.of(work.progress)
        if job is None or str(job.id) != work.provider_ref:
            return Pending("no such job", Trouble.UNKNOWN)
        if job.done:
            return Finished(State.SUCCEEDED, "done", result={"looks": progress.looks})
        return Pending("under way", progress=Progress(looks=progress.looks + 1).stored())

    def settle(self, work: Work) -> Outcome:
        """Ask once more, else expire."""
        polled = self.poll(work)
        late = isinstance(polled, Pending)
        return Finished(State.EXPIRED, polled.note, _LATE) if late else polled

    def check_settings(self) -> list[Finding]:
        """Find nothing against them."""
        return [self.settings_finding([])]


def open_plugin(settings: ToySettings, resources: Resources) -> ToyPlugin:
    """Return the provider's plugin."""
    del resources
    return ToyPlugin(settings, session_of(settings))


def _job(reply: Reply) -> Job | None:
    try:
        return Job.model_validate_json(reply.body) if reply.status == 200 else None
    except ValidationError:
        return None
'''

_TASKS: Final = '''"""The toy provider's tasks."""

from datetime import datetime

from config.queues import Wake
from tasks.base import chunk_task, message_task
from uprid_client.contract.toy import ToyTask
from uprid_client.names import Provider
from worker.intake import starts
from worker.intake.message import Message
from worker.intake.parts import Parts
from worker.process.runtime import Runtime


@message_task(ToyTask.START)
def start_count(parts: Parts, message: Message) -> None:
    """Store a count: `reference` `amount`."""
    starts.start(Provider.TOY, "count")(parts, message)


@chunk_task(ToyTask.POLL)
def poll(runtime: Runtime, slot: datetime | None) -> None:
    """Work on what is due at the toy provider."""
    runtime.engine.work(Provider.TOY, Wake.POLL, slot)
'''


def add_to_copy(folder: Path) -> Path:
    """Copy the product into a folder, add the provider there; return what to import from."""
    for package in _PACKAGES:
        if (ROOT / package).is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / package, folder / Path(package).name, ignore=ignored)
    shutil.copy(ROOT / "pyproject.toml", folder)
    provider = folder / "worker" / "providers" / "toy"
    provider.mkdir()
    (provider / "__init__.py").touch()
    (provider / "types.py").write_text(_TYPES, "utf-8")
    (provider / "plugin.py").write_text(_PLUGIN, "utf-8")
    (folder / "uprid_client" / "contract" / "toy.py").write_text(_CONTRACT, "utf-8")
    (folder / "tasks" / "toy.py").write_text(_TASKS, "utf-8")
    _change(folder, _ENUM, r'\1\2    TOY = "toy"\n')
    _change(folder / "config", _BLOCKS, lambda found: _SETTINGS + found[1].rstrip() + "\n" + _FIELD)
    return folder


def _change(folder: Path, place: re.Pattern[str], by: str | Callable[[re.Match[str]], str]) -> None:
    """Change the one file that has a place."""
    [file] = [each for each in folder.rglob("*.py") if place.search(each.read_text("utf-8"))]
    file.write_text(place.sub(by, file.read_text("utf-8"), count=1), "utf-8")
