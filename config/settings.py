"""What can be set: nested, frozen, with units, read once from the environment.

`load` either returns settings that fit together or raises `SettingsError` with every error.
Names and meanings are in docs/settings.md.
"""

import json
import os
from collections.abc import Container, Iterable, Iterator, Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from config.fields import Block, DatabaseUrl, Duration, FernetKey, RedisUrl, split
from config.pem import COMPANION_MISSING, Authorities
from config.providers import ProviderBlocks, ProviderSettings
from uprid_client.names import EVENTS_STREAM, Provider

PREFIX: Final = "UPRID_"
NESTED: Final = "__"


class SettingsError(Exception):
    """The settings are missing or contradict each other; `errors` names all that is wrong."""

    def __init__(self, errors: Iterable[str]) -> None:
        self.errors = tuple(errors)
        super().__init__("; ".join(self.errors))


class Need(StrEnum):
    """What a process cannot do without."""

    BROKER = "broker"
    KEYS = "keys"
    PROVIDER = "provider"


class EventSettings(Block):
    """Where result events go."""

    stream: Annotated[str, Field(min_length=1, max_length=200)] = EVENTS_STREAM
    #: None: the broker's server.
    redis_url: RedisUrl | None = None


class EngineSettings(Block):
    """The clockwork of the engine."""

    slot: Duration = timedelta(seconds=1)
    max_countdown: Duration = timedelta(minutes=5)
    visibility_timeout: Duration = timedelta(minutes=15)
    heartbeat: Duration = timedelta(seconds=2)
    lease_silence: Duration = timedelta(seconds=6)
    sweep_every: Duration = timedelta(seconds=2)
    #: To the database, of one worker or poller at most. Four such processes are within PostgreSQL's
    #: default of 100.
    connections: Annotated[int, Field(ge=8, le=1000)] = 20

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        errors = []
        if self.max_countdown * 1.5 > self.visibility_timeout:
            errors.append(
                "MAX_COUNTDOWN must be at most two thirds of VISIBILITY_TIMEOUT, or the broker "
                "hands out a waiting message a second time"
            )
        if self.heartbeat * 2 > self.lease_silence:
            errors.append(
                "LEASE_SILENCE must be at least twice HEARTBEAT, or a live worker loses its leases"
            )
        if self.slot > self.max_countdown:
            errors.append("SLOT must not be longer than MAX_COUNTDOWN")
        if errors:
            raise ValueError("; ".join(errors))
        return self


class RetentionSettings(Block):
    """How long things are kept, counted from the operation's end (events: from their making)."""

    payloads: Duration = timedelta(days=30)
    journal: Duration = timedelta(days=180)
    events: Duration = timedelta(days=14)


class Settings(ProviderBlocks, BaseSettings):
    """All settings. A provider that is None is off."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter=NESTED,
        env_ignore_empty=True,
        frozen=True,
        extra="ignore",
        hide_input_in_errors=True,
        populate_by_name=True,
    )

    database_url: DatabaseUrl = Field(
        # It may hold a password.
        default="sqlite:///var/uprid.sqlite3",
        validation_alias="DATABASE_URL",
        repr=False,
    )
    redis_url: RedisUrl | None = Field(default=None, validation_alias="REDIS_URL")
    #: The first seals; every one of them opens.
    seal_keys: Annotated[tuple[FernetKey, ...], NoDecode, BeforeValidator(split)] = ()
    fingerprint_key: Annotated[SecretStr, Field(min_length=16)] | None = None
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    #: Believed of every provider, beside the authorities that everyone believes.
    ca_bundle: Authorities = ()
    events: EventSettings = EventSettings()
    engine: EngineSettings = EngineSettings()
    retention: RetentionSettings = RetentionSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read nothing by itself: `load` says which environment is read, and when."""
        del settings_cls, env_settings, dotenv_settings, file_secret_settings
        return (init_settings,)

    @property
    def broker_url(self) -> str:
        """The broker's address; only where `Need.BROKER` was asked for."""
        if self.redis_url is None:
            raise SettingsError(["REDIS_URL is missing"])
        return self.redis_url.get_secret_value()

    @property
    def events_url(self) -> str:
        """The address of the server that holds the result stream."""
        url = self.events.redis_url
        return self.broker_url if url is None else url.get_secret_value()

    def providers(self) -> Mapping[Provider, ProviderSettings]:
        """Return the providers that are on."""
        blocks = {provider: getattr(self, provider.value) for provider in Provider}
        return {name: block for name, block in blocks.items() if block is not None}


_BLOCKS: Final = frozenset({"events", "engine", "retention", *Provider})


def load(needs: Iterable[Need] = (), environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings, or raise `SettingsError` with every error at once.

    `needs` says what the calling process cannot start without. Blanks around a value belong to the
    file or the shell that it came from: a secret that was read with its line end is the same one.
    """
    environment = os.environ if environment is None else environment
    given = {name: value.strip() for name, value in environment.items()}
    errors = [*_unknown(given), *_unparsable(given), *_groupless(given)]
    given = {name: value for name, value in given.items() if _parses(name, value)}
    try:
        settings = _read(given)
    except ValidationError as error:
        errors += _named(error)
        errors += _hidden(given, error)
        # What is sound is read again without what is not, so that a malformed value does not
        # hide a missing or contradictory one.
        settings = _read(_without_faulty(given, error))
    errors += _missing(settings, set(needs), errors)
    errors += _contradictions(settings)
    if errors:
        raise SettingsError(dict.fromkeys(errors))
    return settings


def _read(environment: Mapping[str, str]) -> Settings:
    source = EnvSettingsSource(Settings)
    source.env_vars = {name.lower(): value for name, value in environment.items() if value}
    return Settings(**source())


def _variable(location: tuple[Any, ...]) -> str:
    """Turn a pydantic location into the variable that a person has to change."""
    names = [str(part) for part in location if not isinstance(part, int)]
    if names and names[0] in {"DATABASE_URL", "REDIS_URL", "database_url", "redis_url"}:
        return names[0].upper()
    return PREFIX + NESTED.join(name.upper() for name in names[:2])


def _named(error: ValidationError, *, but: Container[str] = ()) -> Iterator[str]:
    for detail in error.errors(include_input=False, include_url=False, include_context=False):
        if detail["type"] in but:
            continue
        what = detail["msg"].removeprefix("Value error, ")
        where = ".".join(str(part) for part in detail["loc"][2:])
        if detail["type"] == "missing":
            what = "is missing"
        elif detail["type"] == "extra_forbidden":
            what = "is no setting: look for a typing error"
        yield f"{_variable(detail['loc'])}{f' ({where})' if where else ''}: {what}"


def _hidden(given: Mapping[str, str], error: ValidationError) -> Iterator[str]:
    """Find what a malformed value kept from being looked at: the contradictions of its block."""
    malformed = {_variable(detail["loc"]) for detail in error.errors(include_input=False)}
    try:
        _read(_without(given, malformed))
    except ValidationError as again:
        yield from _named(again, but={"missing", COMPANION_MISSING})


def _without_faulty(given: Mapping[str, str], error: ValidationError) -> dict[str, str]:
    """Drop the whole top-level block of every error: what is left is sound."""
    tops = {_variable(tuple(detail["loc"][:1])) for detail in error.errors(include_input=False)}
    return _without(given, tops)


def _without(given: Mapping[str, str], variables: set[str]) -> dict[str, str]:
    return {
        name: value
        for name, value in given.items()
        if not any(name.upper() == v or name.upper().startswith(v + NESTED) for v in variables)
    }


def _unknown(given: Mapping[str, str]) -> Iterator[str]:
    known = {
        f"{PREFIX}{name.upper()}"
        for name, field in Settings.model_fields.items()
        if field.validation_alias is None
    }
    for name in sorted(given):
        upper = name.upper()
        if upper.startswith(PREFIX) and upper.split(NESTED)[0] not in known:
            yield f"{upper}: is no setting: look for a typing error"


def _parses(name: str, value: str) -> bool:
    """Return whether a variable that must hold JSON does; the others always pass."""
    head, *rest = name.upper().removeprefix(PREFIX).split(NESTED)
    is_object = head.lower() in _BLOCKS if not rest else rest == ["POLL"]
    is_list = rest == ["POLL", "STEPS"]
    if not value or not name.upper().startswith(PREFIX) or not (is_object or is_list):
        return True
    try:
        return isinstance(json.loads(value), list if is_list else dict)
    except ValueError:
        return False


def _unparsable(given: Mapping[str, str]) -> Iterator[str]:
    for name, value in sorted(given.items()):
        if not _parses(name, value):
            kind = "list" if name.upper().endswith(f"{NESTED}STEPS") else "object"
            yield f"{name.upper()}: must be a JSON {kind}"


def _groupless(given: Mapping[str, str]) -> Iterator[str]:
    names = {name.upper() for name, value in given.items() if value}
    block = f"{PREFIX}MONETA{NESTED}"
    identified = {f"{block}SIMPLIFIED_GROUP_ID", f"{block}FULL_GROUP_ID"}
    if any(name.startswith(block) for name in names) and not names & identified:
        yield (
            f"{block}SIMPLIFIED_GROUP_ID or {block}FULL_GROUP_ID: one must be set, or no person "
            "could be found identified"
        )


def _missing(settings: Settings, needs: set[Need], errors: list[str]) -> Iterator[str]:
    joined = "\n".join(errors)
    if Need.BROKER in needs and settings.redis_url is None and "REDIS_URL" not in joined:
        yield "REDIS_URL: is missing: the broker's address, such as redis://127.0.0.1:6379/0"
    if Need.KEYS in needs and not settings.seal_keys and "UPRID_SEAL_KEYS" not in joined:
        yield "UPRID_SEAL_KEYS: is missing: make a key with `uprid keys generate`"
    if Need.KEYS in needs and settings.fingerprint_key is None and "FINGERPRINT" not in joined:
        yield "UPRID_FINGERPRINT_KEY: is missing: make one with `uprid keys generate`"
    meant = any(f"{PREFIX}{provider.upper()}" in joined for provider in Provider)
    if Need.PROVIDER in needs and not settings.providers() and not meant:
        yield "UPRID_MONETA__URL: is missing: no provider is set, so there is nothing to do"


def _contradictions(settings: Settings) -> Iterator[str]:
    if settings.retention.events < settings.engine.visibility_timeout:
        yield "UPRID_RETENTION__EVENTS: must not be shorter than UPRID_ENGINE__VISIBILITY_TIMEOUT"
    if settings.npd is not None and settings.npd.poll_async_id and settings.moneta is None:
        yield "UPRID_NPD__POLL_ASYNC_ID: needs MONETA's own settings, UPRID_MONETA__URL and so on"
