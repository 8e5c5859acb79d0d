"""The tables. Rows are written by the store alone, most of them with Core statements in bulk.

Two databases are first class, so the types are those that both have: text for identifiers and JSON,
UTC times, integers. Constraints that hold the promises live here and in the first migration
(`attempt_ends_once`), so that no mistake in the code can get past them.
"""

from datetime import datetime
from typing import Any, ClassVar, Final

from sqlalchemy import Column, Index, Text, text
from sqlalchemy.schema import SchemaItem
from sqlmodel import Field, SQLModel

from worker.store.columns import ZERO, Counter, id_column


class Operation(SQLModel, table=True):
    """One long-running operation at one provider: the row that the engine drives.

    Kept narrow: what a poll does not need lies in `attempt`.
    """

    __tablename__: ClassVar[Any] = "operation"
    __table_args__: ClassVar[tuple[SchemaItem, ...]] = (
        # The schedule: what is due and free, submits (lane 0) before polls (lane 1).
        Index(
            "operation_due",
            "provider",
            "lane",
            "due_at",
            postgresql_where=text("due_at IS NOT NULL AND lease_token IS NULL"),
            sqlite_where=text("due_at IS NOT NULL AND lease_token IS NULL"),
        ),
        # Operations whose chunk died: few, and looked for before every claim.
        Index(
            "operation_suspect",
            "provider",
            "due_at",
            postgresql_where=text("claims >= 2"),
            sqlite_where=text("claims >= 2"),
        ),
        Index(
            "operation_leased",
            "lease_owner",
            postgresql_where=text("lease_owner IS NOT NULL"),
            sqlite_where=text("lease_owner IS NOT NULL"),
        ),
        Index("operation_listed", "state", "provider"),
        # What a callback names. An id is its provider's own, so only both together name one.
        Index(
            "operation_provider_ref",
            "provider_ref",
            "provider",
            postgresql_where=text("provider_ref IS NOT NULL"),
            sqlite_where=text("provider_ref IS NOT NULL"),
        ),
    )

    id: str = Field(sa_column=id_column(primary=True))
    reference: str = Field(max_length=255, unique=True)
    provider: str = Field(max_length=20)
    kind: str = Field(max_length=40)
    state: str = Field(max_length=20)
    #: The current attempt, from 1.
    attempt: int = 1
    #: What was enqueued in clear, ids and flags, as JSON text.
    args: str = Field(sa_column=Column(Text, nullable=False))
    provider_ref: str | None = Field(default=None, max_length=100)
    #: 0 submits and codes, 1 polls and settlements.
    lane: int = 0
    #: When the engine next works on it; None where it has nothing to do.
    due_at: datetime | None = None
    deadline_at: datetime | None = None
    lease_id: str | None = Field(
        default=None, sa_column=id_column(name="lease_token", nullable=True)
    )
    lease_owner: str | None = Field(default=None, sa_column=id_column(nullable=True))
    #: Claims in a row that were never written back.
    claims: int = 0
    #: Status requests sent in this attempt.
    polls: int = 0
    #: Requests in a row that met trouble.
    consecutive_failures: int = Field(default=0, sa_column_kwargs={"name": "faults"})
    #: The plugin's own memory of this attempt, as JSON text.
    progress: str | None = Field(default=None, sa_column=Column(Text))
    #: Events of it so far.
    sequence: int = 0
    #: Where it stood before it began to wait for a person.
    waiting_from: str | None = Field(default=None, max_length=20)
    #: What the provider waits for (`sms_code`); None: for nothing.
    missing: str | None = Field(default=None, max_length=20)
    #: Inputs of this attempt that were sent, or may have been.
    inputs_sent: int = Field(default=0, sa_column_kwargs=ZERO)
    input_sent_at: datetime | None = None
    #: Inputs of this attempt that are still to be sent.
    inputs_waiting: int = Field(default=0, sa_column_kwargs=ZERO)
    #: The provider's notifications that name this attempt.
    notifications: int = Field(default=0, sa_column_kwargs={**ZERO, "name": "notices"})
    #: When an earlier poll, asked for while it was leased, is due. Cleared by a claim.
    hurried_at: datetime | None = Field(default=None, sa_column_kwargs={"name": "wanted_at"})
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    # The open run of the journal: unchanged answers are counted here and written out as one
    # journal row when the answer changes, so that a poll costs one row write and not two.
    run_note: str | None = Field(default=None, max_length=100)
    run_first_at: datetime | None = None
    run_last_at: datetime | None = None
    run_count: int = 0
    #: Milliseconds.
    run_slowest: int = 0


class Attempt(SQLModel, table=True):
    """One submission of an operation: its data, sealed, and how it ended."""

    __tablename__: ClassVar[Any] = "attempt"
    __table_args__: ClassVar[tuple[SchemaItem, ...]] = (
        # What a purge still has to erase.
        Index(
            "attempt_erasable",
            "finished_at",
            postgresql_where=text("erased_at IS NULL"),
            sqlite_where=text("erased_at IS NULL"),
        ),
        # What a notification names: the provider's id, or the person where that is not known.
        Index(
            "attempt_party",
            "party",
            postgresql_where=text("party IS NOT NULL"),
            sqlite_where=text("party IS NOT NULL"),
        ),
    )

    operation_id: str = Field(sa_column=id_column(primary=True))
    number: int = Field(primary_key=True)
    #: Keyed hash of what was enqueued.
    fingerprint: str = Field(max_length=64)
    #: Keyed hash of the person whom the provider's notifications name; None where they name none.
    subject_hash: str | None = Field(
        default=None, max_length=64, sa_column_kwargs={"name": "party"}
    )
    #: The payload as a Fernet token; None where none was given, or it was erased.
    sealed: str | None = Field(default=None, sa_column=Column(Text))
    accepted_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    provider_ref: str | None = Field(default=None, max_length=100)
    #: A terminal state, or `superseded`. Once set it never changes: a trigger sees to it.
    ended_as: str | None = Field(default=None, max_length=20)
    #: JSON text, as the event has them.
    reason: str | None = Field(default=None, sa_column=Column(Text))
    result: str | None = Field(default=None, sa_column=Column(Text))
    #: When payload and answer were erased, their retention being over.
    erased_at: datetime | None = None
    #: The provider's whole answer as a Fernet token.
    answer: str | None = Field(default=None, sa_column=Column(Text))
    #: Of `reason`: a trigger writes it, whichever release writes the reason. Empty where the reason
    #: is older than the column.
    reason_code: str | None = Field(default=None, max_length=40)


class Input(SQLModel, table=True):
    """What a person supplied during an attempt: a code that the provider sent by SMS."""

    __tablename__: ClassVar[Any] = "input"
    __table_args__: ClassVar[tuple[SchemaItem, ...]] = (
        Index("input_operation", "operation_id", "attempt"),
        # The same code twice in one session counts once; so does the same message.
        Index("input_once", "operation_id", "attempt", "fingerprint", unique=True),
        Index("input_message", "operation_id", "message_id", unique=True),
    )

    id: str = Field(sa_column=id_column(primary=True))
    operation_id: str = Field(sa_column=id_column())
    attempt: int
    name: str = Field(max_length=20)
    message_id: str = Field(max_length=255)
    #: Keyed hash; None once the attempt has ended.
    fingerprint: str | None = Field(default=None, max_length=64)
    #: The input as a Fernet token; None once it was sent for good, or the attempt has ended.
    sealed: str | None = Field(default=None, sa_column=Column(Text))
    at: datetime
    #: When it was about to be sent: written before the call; None: it waits.
    sent_at: datetime | None = None


class StoredNotification(SQLModel, table=True):
    """A notification of a provider, kept until it is known which attempt it is about."""

    __tablename__: ClassVar[Any] = "notice"
    __table_args__: ClassVar[tuple[SchemaItem, ...]] = (
        Index("notice_provider_ref", "provider", "provider_ref"),
        Index("notice_party", "provider", "party"),
        Index("notice_operation", "operation_id", "attempt"),
        Index("notice_at", "at"),
    )

    provider: str = Field(max_length=20, primary_key=True)
    #: What tells one that comes again from another one: a hash of what identifies it.
    key: str = Field(max_length=64, primary_key=True)
    #: The provider's id of the attempt that it names.
    provider_ref: str = Field(max_length=100)
    #: Keyed hash of the person that it names.
    subject_hash: str = Field(max_length=64, sa_column_kwargs={"name": "party"})
    #: The whole notification as a Fernet token.
    sealed: str = Field(sa_column=Column(Text, nullable=False))
    at: datetime
    #: The operation that it is about; None: not known yet.
    operation_id: str | None = Field(default=None, sa_column=id_column(nullable=True))
    attempt: int | None = None


class StoredAccessToken(SQLModel, table=True):
    """A key to a provider's API that the workers share, and who is fetching the next one."""

    __tablename__: ClassVar[Any] = "access_token"

    name: str = Field(max_length=40, primary_key=True)
    #: The token as a Fernet token; None: there is none.
    sealed: str | None = Field(default=None, sa_column=Column(Text))
    #: Counts the tokens, so that one that was refused is dropped once.
    generation: int = 0
    expires_at: datetime | None = None
    #: The process that fetches the next one, and until when the others leave it to that one.
    holder: str | None = Field(default=None, sa_column=id_column(nullable=True))
    held_until: datetime | None = None


class JournalEntry(SQLModel, table=True):
    """What happened to an operation: a run of like calls, a transition, a person's action."""

    __tablename__: ClassVar[Any] = "journal"
    __table_args__: ClassVar[tuple[SchemaItem, ...]] = (Index("journal_operation", "operation_id"),)

    id: int | None = Field(default=None, sa_column=Column(Counter, primary_key=True))
    operation_id: str = Field(sa_column=id_column())
    attempt: int
    #: `call`, `move`, `person`, `late`, `ignored` or `heard`.
    what: str = Field(max_length=20)
    note: str = Field(max_length=200)
    at: datetime
    last_at: datetime
    count: int = 1
    #: Milliseconds; None for what took no call.
    slowest: int | None = None
    by: str | None = Field(default=None, max_length=100)
    detail: str | None = Field(default=None, max_length=500)
    # What the note says, for programs. Empty in rows of a release before 0004.
    from_state: str | None = Field(default=None, max_length=20)
    to_state: str | None = Field(default=None, max_length=20)
    #: What was done or came: `resume`, `sms_code`, `notification`.
    action: str | None = Field(default=None, max_length=40)
    #: What was given with it: a verdict, the provider's id.
    argument: str | None = Field(default=None, max_length=100)
    reason_code: str | None = Field(default=None, max_length=40)


class OutboxEvent(SQLModel, table=True):
    """An event that is to stand on the stream, written with the state that it tells of."""

    __tablename__: ClassVar[Any] = "outbox"
    __table_args__: ClassVar[tuple[SchemaItem, ...]] = (
        Index(
            "outbox_unpublished",
            "seq",
            postgresql_where=text("stream_id IS NULL"),
            sqlite_where=text("stream_id IS NULL"),
        ),
        Index("outbox_event", "id", unique=True),
        Index("outbox_operation", "operation_id"),
        Index("outbox_stream_id", "stream_id"),
        Index("outbox_time", "time"),
        # The database itself refuses a second terminal event of an attempt.
        Index(
            "outbox_one_end",
            "operation_id",
            "attempt",
            unique=True,
            postgresql_where=text("terminal = 1"),
            sqlite_where=text("terminal = 1"),
        ),
    )

    seq: int | None = Field(default=None, sa_column=Column(Counter, primary_key=True))
    id: str = Field(sa_column=id_column())
    operation_id: str | None = Field(default=None, sa_column=id_column(nullable=True))
    attempt: int | None = None
    #: 1 for a terminal event.
    terminal: int = 0
    type: str = Field(max_length=60)
    subject: str = Field(max_length=255)
    time: datetime
    data: str = Field(sa_column=Column(Text, nullable=False))
    #: The stream id that the server gave it, padded to sort like time; None: not published.
    stream_id: str | None = Field(default=None, sa_column=id_column(nullable=True))


class Refusal(SQLModel, table=True):
    """A message that could not be taken. It consumed no reference and changed no operation."""

    __tablename__: ClassVar[Any] = "refusal"
    __table_args__: ClassVar[tuple[SchemaItem, ...]] = (Index("refusal_reference", "reference"),)

    message_id: str = Field(max_length=255, primary_key=True)
    task: str = Field(max_length=100)
    reference: str | None = Field(default=None, max_length=255)
    #: JSON text: a list of names.
    fields: str = Field(sa_column=Column(Text, nullable=False))
    #: JSON text: `refusal_reasons`. Release 0.1.0 wrote the message alone.
    reason: str = Field(max_length=500)
    at: datetime


class ProviderState(SQLModel, table=True):
    """What the workers share about a provider: pause, breaker, rate."""

    __tablename__: ClassVar[Any] = "provider"

    name: str = Field(max_length=20, primary_key=True)
    paused_at: datetime | None = None
    paused_by: str | None = Field(default=None, max_length=100)
    paused_note: str | None = Field(default=None, max_length=500)
    #: Failed requests in a row, over all workers.
    failures: int = 0
    #: Nothing is claimed before this time: the breaker is open, or the provider asked for a rest.
    closed_until: datetime | None = None
    #: Half open: one chunk of one is out until then.
    probing_until: datetime | None = None
    #: Requests that may be sent at `tokens_at`; below 0 where a chunk needed more than it claimed.
    tokens: float = 0.0
    tokens_at: datetime
    #: Callbacks that named an id which no attempt has.
    unknown_callbacks: int = Field(default=0, sa_column_kwargs=ZERO)


class Incarnation(SQLModel, table=True):
    """A worker process, as long as its heart beats. Leases belong to one."""

    __tablename__: ClassVar[Any] = "incarnation"

    id: str = Field(sa_column=id_column(primary=True))
    role: str = Field(max_length=20)
    host: str = Field(max_length=255)
    pid: int
    started_at: datetime
    beat_at: datetime


class Lock(SQLModel, table=True):
    """Work that one process does at a time: its holder has it until a time."""

    __tablename__: ClassVar[Any] = "lock"

    name: str = Field(max_length=40, primary_key=True)
    holder: str = Field(max_length=36)
    until: datetime


class StreamPosition(SQLModel, table=True):
    """How far the stream was filled, so that a flushed or failed-over server is noticed."""

    __tablename__: ClassVar[Any] = "stream"

    name: str = Field(max_length=200, primary_key=True)
    #: Padded like `outbox.stream_id`.
    last_id: str = Field(sa_column=id_column())
    #: A mark left on the server; another mark there means that it was wiped.
    mark: str = Field(max_length=36)


METADATA: Final = SQLModel.metadata

OPERATIONS: Final = METADATA.tables["operation"]
ATTEMPTS: Final = METADATA.tables["attempt"]
JOURNAL: Final = METADATA.tables["journal"]
OUTBOX: Final = METADATA.tables["outbox"]
REFUSALS: Final = METADATA.tables["refusal"]
PROVIDERS: Final = METADATA.tables["provider"]
INCARNATIONS: Final = METADATA.tables["incarnation"]
LOCKS: Final = METADATA.tables["lock"]
STREAMS: Final = METADATA.tables["stream"]
INPUTS: Final = METADATA.tables["input"]
NOTIFICATIONS: Final = METADATA.tables["notice"]
ACCESS_TOKENS: Final = METADATA.tables["access_token"]
