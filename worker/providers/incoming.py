"""Messages during an attempt: a person's inputs, and a provider's notifications.

A provider declares here what it takes; `worker.intake` stores it, the same way for all.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from uprid_client.contract.arguments import Arguments
from uprid_client.contract.arguments import Input as InputArguments
from uprid_client.contract.states import State
from uprid_client.names import Provider


@dataclass(frozen=True, slots=True)
class ExpectedInput:
    """An input that a provider expects of the person, such as the code that it sent by SMS."""

    provider: Provider
    #: Its name in an event's `missing` and in the sealed payload: `sms_code`.
    name: str
    #: What a refusal calls it: `code`.
    noun: str
    #: The arguments of its message.
    arguments: type[InputArguments]
    #: How many one attempt takes.
    limit: int
    #: Reads it from the opened payload; raises `Refused`, which quotes nothing.
    read: Callable[[Mapping[str, Any]], str]


@dataclass(frozen=True, slots=True)
class Notification:
    """A provider's notification that was found good."""

    #: 64 hex digits, the same for the same notification. Unkeyed, so that they are personal.
    key: str = field(repr=False)
    #: The provider's id of the attempt.
    provider_ref: str
    #: Whom it speaks of, such as the phone in canonical writing.
    subject: str = field(repr=False)
    #: What `Work.notices` will hold.
    content: Mapping[str, Any] = field(repr=False)
    #: The end that it speaks of.
    end: State
    #: The whole of it, as the provider wrote it. To be sealed.
    answer: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ExpectedNotification:
    """The notifications that a provider sends to the marketplace's web address."""

    provider: Provider
    #: The arguments of its message.
    arguments: type[Arguments]
    #: Reads one from the opened payload; raises `Refused`, which quotes nothing.
    read: Callable[[Mapping[str, Any]], Notification]


@dataclass(frozen=True, slots=True)
class ExpectedCallback:
    """A provider's hint that an attempt has ended. It is not authenticated."""

    provider: Provider
    #: The arguments of its message.
    arguments: type[Arguments]
    #: The one that holds the provider's id of the attempt, a positive integer: `async_id`.
    argument: str
