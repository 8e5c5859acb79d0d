"""What can be set of each provider. A block that is missing means that the provider is off."""

import string
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_settings import NoDecode

from config.fields import Block, Duration, GroupId, Secret, ServiceUrl, Word, split
from config.pem import Authorities, ClientCertificate, ClientKey, require_pair
from config.polling import PollPolicy
from config.proxy import ProxyUrl


class ProviderSettings(Block):
    """What every provider has."""

    url: ServiceUrl
    poll: PollPolicy
    rate_per_second: Annotated[float, Field(gt=0, le=100_000)] = 100.0
    connect_timeout: Duration = timedelta(seconds=5)
    read_timeout: Duration = timedelta(seconds=20)
    total_timeout: Duration = timedelta(seconds=30)
    chunk: Annotated[int, Field(ge=1, le=2_000)] = 100
    threads: Annotated[int, Field(ge=1, le=64)] = 8
    breaker_failures: Annotated[int, Field(ge=1, le=1_000)] = 20
    breaker_reset: Duration = timedelta(seconds=30)
    snils_checksum: Literal["refuse", "warn"] = "refuse"
    #: Believed beside the authorities that everyone believes.
    ca_bundle: Authorities = ()
    proxy: ProxyUrl | None = None
    client_cert: ClientCertificate | None = None
    #: None: it stands in the certificate's file.
    client_key: Annotated[ClientKey | None, Field(validate_default=True)] = None

    @field_validator("client_key")
    @classmethod
    def _belongs(cls, key: Path | None, info: ValidationInfo) -> Path | None:
        # Not there: the certificate is at fault, and said to be.
        if "client_cert" in info.data:
            require_pair(info.data["client_cert"], key)
        return key

    def contradictions(self) -> list[str]:
        """Return what does not go together, all of it; a provider adds its own."""
        if max(self.connect_timeout, self.read_timeout) > self.total_timeout:
            return ["TOTAL_TIMEOUT must not be shorter than CONNECT_TIMEOUT or READ_TIMEOUT"]
        return []

    @model_validator(mode="after")
    def _goes_together(self) -> Self:
        errors = self.contradictions()
        if errors:
            raise ValueError("; ".join(errors))
        return self


class MonetaSettings(ProviderSettings):
    """MONETA.MerchantAPI."""

    username: Word
    password: Annotated[Secret, Field(max_length=200)]
    transport: Literal["json", "soap"] = "json"
    anonymous_group_id: GroupId
    simplified_group_id: GroupId | None = None
    full_group_id: GroupId | None = None
    task_timeout: Duration = timedelta(minutes=700)
    settle_checks: Annotated[int, Field(ge=1, le=100)] = 3
    settle_over: Duration = timedelta(minutes=15)
    callback_url: ServiceUrl | None = None
    #: Every 15 s for 5 minutes, every minute to half an hour, then every 5 minutes.
    poll: PollPolicy = PollPolicy(first_after=15, steps=((20, 15), (25, 60)), then=300, jitter=0.1)

    def contradictions(self) -> list[str]:
        """Return what does not go together: the groups must differ, too."""
        errors = super().contradictions()
        identified = [g for g in (self.simplified_group_id, self.full_group_id) if g is not None]
        if len({self.anonymous_group_id, *identified}) != 1 + len(identified):
            errors.append("ANONYMOUS_GROUP_ID, SIMPLIFIED_GROUP_ID and FULL_GROUP_ID must differ")
        return errors


class NpdSettings(ProviderSettings):
    """The API for the self-employed, a base address such as https://my.payanyway.ru/npdapi."""

    #: Our name at the API: sent as `key`.
    security_key: Secret
    #: What signatures are made with: never sent.
    secret_key: Secret
    #: The names of the parameters that are signed, of those that are sent. None: all but `key`, as
    #: the page's rule says; its printed formula leaves out `bd` and `snils`.
    signed_fields: Annotated[
        tuple[Annotated[str, Field(pattern=r"^[a-z]{1,40}$")], ...] | None,
        NoDecode,
        BeforeValidator(split),
    ] = None
    #: A SUCCESS is believed once MONETA's profile says so too, where the unit is known.
    confirm_by_profile: bool = True
    #: The `asyncId` is polled over MONETA.MerchantAPI. Whether that is possible is not documented.
    poll_async_id: bool = False
    #: How long a notification is waited for where the API named no `expirationDate`.
    task_timeout: Duration = timedelta(minutes=700)
    settle_checks: Annotated[int, Field(ge=1, le=100)] = 3
    settle_over: Duration = timedelta(minutes=15)
    rate_per_second: Annotated[float, Field(gt=0, le=100_000)] = 20.0
    #: Only with `poll_async_id`.
    poll: PollPolicy = PollPolicy(first_after=15, steps=((20, 15), (25, 60)), then=300, jitter=0.1)


class MandarinSettings(ProviderSettings):
    """Mandarin, a base address such as https://secure.mandarinpay.com."""

    #: Without dashes: they separate the parts of `X-Auth`.
    merchant_id: Annotated[str, Field(pattern=r"^[0-9A-Za-z_.]{1,50}$")]
    secret: Secret
    deadline: Duration = timedelta(minutes=300)
    rate_per_second: Annotated[float, Field(gt=0, le=100_000)] = 20.0
    #: Counted from the last code; before the first one every `then`: that is the person's check.
    poll: PollPolicy = PollPolicy(first_after=10, steps=((1, 30), (1, 60)), then=300, jitter=0.1)


def _result_path(value: str) -> str:
    names = [name for _, name, _, _ in string.Formatter().parse(value) if name is not None]
    if names != ["operation_id"]:
        message = "must hold {operation_id}, once, and no other name in braces"
        raise ValueError(message)
    if not all(part.strip(".") for part in value.strip("/").split("/")):
        message = "must be a path below the URL, such as operation/getResult/{operation_id}"
        raise ValueError(message)
    return value.strip("/")


class IntellectMoneySettings(ProviderSettings):
    """IntellectMoney's personal API, a base address such as https://api.intellectmoney.ru/personal.

    `bearer_token` and `sign_secret_key` belong to the newer API: each header is sent where its
    setting is set.
    """

    login: Word
    password: Secret
    bearer_token: Secret | None = None
    sign_secret_key: Secret | None = None
    #: How long a UserToken is believed; its true period is not documented.
    token_ttl: Duration = timedelta(minutes=5)
    #: Where the result of a queued operation is to be had; not documented, so unset by default.
    result_path: Annotated[str, Field(max_length=200), AfterValidator(_result_path)] | None = None
    date_format: Annotated[str, Field(min_length=2, max_length=40)] = "%m.%d.%Y"
    format: Literal["xml", "json"] = "xml"
    deadline: Duration = timedelta(minutes=60)
    #: Bytes of one reply.
    reply_limit: Annotated[int, Field(ge=1_000, le=1_000_000_000)] = 8 * 1024 * 1024
    #: After which signed value the filter `State` is signed; no page says it. None: the filter is
    #: refused where requests are signed.
    state_signed_after: Annotated[str, Field(pattern=r"^[A-Za-z]{1,40}$")] | None = None
    rate_per_second: Annotated[float, Field(gt=0, le=100_000)] = 20.0
    poll: PollPolicy = PollPolicy(first_after=2, steps=((3, 5), (5, 15)), then=60, jitter=0.1)

    @property
    def signs(self) -> SecretStr | None:
        """What requests are signed with, if they are."""
        return self.sign_secret_key


class ProviderBlocks(BaseModel):
    """The block of each provider, under its name in `Provider`; None: the provider is off."""

    moneta: MonetaSettings | None = None
    npd: NpdSettings | None = None
    mandarin: MandarinSettings | None = None
    intellectmoney: IntellectMoneySettings | None = None
