"""Settings: read once, every fault named at once, no secret shown."""

import os
from datetime import timedelta
from typing import Any

import pytest
from cryptography.fernet import Fernet
from pydantic import ValidationError

from config.settings import Need, SettingsError, load

KEY = Fernet.generate_key().decode()
OTHER = Fernet.generate_key().decode()
MONETA = {
    "UPRID_MONETA__URL": "https://service.moneta.ru/services",
    "UPRID_MONETA__USERNAME": "shop",
    "UPRID_MONETA__PASSWORD": "hunter2-secret",
    "UPRID_MONETA__ANONYMOUS_GROUP_ID": "1",
    "UPRID_MONETA__SIMPLIFIED_GROUP_ID": "2",
}
GOOD = MONETA | {
    "REDIS_URL": "redis://:broker-secret@127.0.0.1:6379/0",
    "DATABASE_URL": "postgresql://uprid:database-secret@127.0.0.1/uprid",
    "UPRID_SEAL_KEYS": f"{KEY},{OTHER}",
    "UPRID_FINGERPRINT_KEY": "fingerprint-secret",
}
ALL = (Need.BROKER, Need.KEYS, Need.PROVIDER)


def errors(environment: dict[str, str], *needs: Need) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as raised:
        load(needs, environment)
    return raised.value.errors


def one_fault(environment: dict[str, str], *needs: Need) -> str:
    [error] = errors(environment, *needs)
    return error


# What is read


def test_load_reads_a_whole_environment() -> None:
    settings = load(ALL, GOOD)

    assert settings.broker_url == settings.events_url == GOOD["REDIS_URL"]
    assert [key.get_secret_value() for key in settings.seal_keys] == [KEY, OTHER]
    assert settings.moneta is not None
    assert settings.moneta.simplified_group_id == 2
    assert list(settings.providers()) == ["moneta"]


def test_load_needs_nothing_that_was_not_asked_for() -> None:
    settings = load((), {})

    assert settings.database_url == "sqlite:///var/uprid.sqlite3"
    assert settings.providers() == {}
    with pytest.raises(SettingsError, match="REDIS_URL"):
        _ = settings.broker_url


def test_load_reads_the_process_environment_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UPRID_EVENTS__STREAM", "elsewhere")

    assert load().events.stream == "elsewhere"
    assert "UPRID_EVENTS__STREAM" in os.environ


def test_load_takes_names_in_any_case() -> None:
    settings = load((), {"uprid_events__stream": "a", "redis_url": "redis://localhost"})

    assert (settings.events.stream, settings.broker_url) == ("a", "redis://localhost")


def test_load_takes_an_empty_variable_for_none() -> None:
    settings = load((), {"REDIS_URL": "", "UPRID_EVENTS__STREAM": "", "UPRID_MONETA__URL": ""})

    assert (settings.redis_url, settings.events.stream, settings.moneta) == (
        None,
        "uprid:events",
        None,
    )


def test_load_takes_the_blanks_around_a_value_for_no_part_of_it() -> None:
    blank = {name: f" \t{value}\r\n" for name, value in GOOD.items()}

    settings = load(ALL, blank)

    assert settings == load(ALL, GOOD)
    assert settings.fingerprint_key is not None
    assert settings.fingerprint_key.get_secret_value() == "fingerprint-secret"


def test_load_takes_a_variable_of_blanks_for_none() -> None:
    assert load((), {"REDIS_URL": " \n"}).redis_url is None


def test_load_takes_a_provider_as_one_json_object() -> None:
    whole = (
        '{"url": "https://service.moneta.ru/services", "username": "shop", "password": "p", '
        '"anonymous_group_id": 1, "full_group_id": 3}'
    )

    settings = load((), {"UPRID_MONETA": whole})

    assert settings.moneta is not None
    assert settings.moneta.full_group_id == 3


def test_load_takes_a_poll_schedule_as_json() -> None:
    policy = '{"first_after": 0.2, "steps": [[3, 0.5]], "then": 1, "jitter": 0}'

    settings = load((), MONETA | {"UPRID_MONETA__POLL": policy})

    assert settings.moneta is not None
    assert settings.moneta.poll.steps == ((3, 0.5),)


def test_events_may_have_a_server_of_their_own() -> None:
    settings = load((), GOOD | {"UPRID_EVENTS__REDIS_URL": "redis://elsewhere/1"})

    assert settings.events_url == "redis://elsewhere/1"


def test_settings_do_not_change_once_they_are_read() -> None:
    settings = load((), GOOD)

    with pytest.raises(ValidationError):
        settings.log_level = "DEBUG"  # type: ignore[misc]
    with pytest.raises(ValidationError):
        settings.engine.slot = timedelta(1)  # type: ignore[misc]


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        pytest.param("90", 90, id="seconds"),
        pytest.param("0.25", 0.25, id="a fraction"),
        pytest.param("PT90S", 90, id="ISO seconds"),
        pytest.param("PT5M", 300, id="ISO minutes"),
        pytest.param("P1D", 86_400, id="ISO days"),
        pytest.param(" 7 ", 7, id="with spaces"),
    ],
)
def test_durations_are_seconds_or_iso_8601(value: str, seconds: float) -> None:
    settings = load((), {"UPRID_RETENTION__PAYLOADS": value})

    assert settings.retention.payloads == timedelta(seconds=seconds)


@pytest.mark.parametrize("value", ["0", "-1", "PT0S", "-PT5M", "soon", "nan", "inf", "1e300"])
def test_durations_refuse_what_is_no_time_to_come(value: str) -> None:
    error = one_fault({"UPRID_RETENTION__PAYLOADS": value})

    assert error.startswith("UPRID_RETENTION__PAYLOADS: ")


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("postgresql://u:p@h:5432/d", "postgresql+psycopg://u:p@h:5432/d"),
        ("postgres://u:p@h/d?sslmode=require", "postgresql+psycopg://u:p@h/d?sslmode=require"),
        ("postgresql+psycopg://h/d", "postgresql+psycopg://h/d"),
        ("sqlite:////srv/uprid.sqlite3", "sqlite:////srv/uprid.sqlite3"),
    ],
)
def test_database_url_takes_every_usual_form(given: str, read: str) -> None:
    assert load((), {"DATABASE_URL": given}).database_url == read


@pytest.mark.parametrize(
    "value",
    [
        "mysql://h/d",
        "postgresql+asyncpg://h/d",
        "uprid.sqlite3",
        "postgresql:h",
        "sqlite://",
        "sqlite:///",
        "sqlite:///:memory:",
    ],
)
def test_database_url_refuses_what_the_worker_cannot_use(value: str) -> None:
    assert one_fault({"DATABASE_URL": value}).startswith("DATABASE_URL: must begin with")


@pytest.mark.parametrize(
    "value",
    [
        "http://127.0.0.1:8080/moneta/services",
        "http://localhost/services",
        "http://[::1]:8080/services",
        "https://service.moneta.ru/services",
    ],
)
def test_service_url_takes_https_and_plain_http_to_loopback(value: str) -> None:
    settings = load((), MONETA | {"UPRID_MONETA__URL": value + "/"})

    assert settings.moneta is not None
    assert settings.moneta.url == value


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("http://service.moneta.ru/services", id="plain http to afar"),
        pytest.param("http://localhost.evil.example/services", id="a host that begins alike"),
        pytest.param("http://127.0.0.1.evil.example/", id="an address that begins alike"),
        pytest.param("http://localhost@evil.example/", id="loopback as a user"),
        pytest.param("ftp://service.moneta.ru/", id="another scheme"),
        pytest.param("service.moneta.ru/services", id="no scheme"),
        pytest.param("https:///services", id="no host"),
        pytest.param("https://user:pass@service.moneta.ru/", id="credentials"),
        pytest.param("https://service.moneta.ru/?a=1", id="a query"),
        pytest.param("https://service.moneta.ru/#a", id="a fragment"),
        pytest.param("https://[::1/services", id="half an address"),
        pytest.param("https://service.moneta.ru:port/", id="a port that is no number"),
        pytest.param("https://service.moneta.ru:99999/", id="a port that there is not"),
    ],
)
def test_service_url_refuses(value: str) -> None:
    error = one_fault(MONETA | {"UPRID_MONETA__URL": value})

    assert error.startswith("UPRID_MONETA__URL: ")
    assert "pass" not in error


# Every fault at once


def test_load_names_everything_that_is_missing_at_once() -> None:
    named = errors({}, *ALL)

    assert [error.partition(":")[0] for error in named] == [
        "REDIS_URL",
        "UPRID_SEAL_KEYS",
        "UPRID_FINGERPRINT_KEY",
        "UPRID_MONETA__URL",
    ]


def test_load_names_faults_of_every_kind_at_once() -> None:
    named = errors(
        {
            "UPRID_MONETTA__URL": "https://a",
            "UPRID_MONETA__URL": "http://afar",
            "UPRID_MONETA__USERNAME": "shop",
            "UPRID_MONETA__POLL": "[1,",
            "UPRID_MONETA__PASWORD": "p",
            "UPRID_ENGINE__MAX_COUNTDOWN": "PT1H",
            "UPRID_ENGINE__HEARTBEAT": "60",
            "UPRID_RETENTION__EVENTS": "60",
            "UPRID_EVENTS__STREAM": "x" * 201,
            "UPRID_SEAL_KEYS": "short",
            "UPRID_LOG_LEVEL": "LOUD",
            "DATABASE_URL": "mysql://a",
            "REDIS_URL": "amqp://a",
        },
        *ALL,
    )

    assert sorted({error.partition(":")[0].partition(" ")[0] for error in named}) == [
        "DATABASE_URL",
        "REDIS_URL",
        "UPRID_ENGINE",
        "UPRID_EVENTS__STREAM",
        "UPRID_FINGERPRINT_KEY",
        "UPRID_LOG_LEVEL",
        "UPRID_MONETA__ANONYMOUS_GROUP_ID",
        "UPRID_MONETA__PASSWORD",
        "UPRID_MONETA__PASWORD",
        "UPRID_MONETA__POLL",
        "UPRID_MONETA__SIMPLIFIED_GROUP_ID",
        "UPRID_MONETA__URL",
        "UPRID_MONETTA__URL",
        "UPRID_RETENTION__EVENTS",
        "UPRID_SEAL_KEYS",
    ]
    engine = next(error for error in named if error.startswith("UPRID_ENGINE"))
    assert "MAX_COUNTDOWN" in engine
    assert "HEARTBEAT" in engine


def test_load_finds_a_contradiction_beside_a_malformed_value_of_the_same_block() -> None:
    named = errors(
        MONETA
        | {
            "UPRID_ENGINE__SLOT": "soon",
            "UPRID_ENGINE__VISIBILITY_TIMEOUT": "10",
            "UPRID_MONETA__CHUNK": "many",
            "UPRID_MONETA__SIMPLIFIED_GROUP_ID": "1",
        }
    )

    assert sorted(error.partition(":")[0] for error in named) == [
        "UPRID_ENGINE",
        "UPRID_ENGINE__SLOT",
        "UPRID_MONETA",
        "UPRID_MONETA__CHUNK",
    ]


def test_load_names_no_fault_twice() -> None:
    named = errors({"UPRID_FINGERPRINT_KEY": "short", "REDIS_URL": "x://"}, *ALL)

    assert sorted(error.partition(":")[0] for error in named) == [
        "REDIS_URL",
        "UPRID_FINGERPRINT_KEY",
        "UPRID_MONETA__URL",
        "UPRID_SEAL_KEYS",
    ]


@pytest.mark.parametrize(
    ("environment", "variable"),
    [
        pytest.param({"UPRID_MONETTA__URL": "x"}, "UPRID_MONETTA__URL", id="a provider"),
        pytest.param({"UPRID_STREAM": "x"}, "UPRID_STREAM", id="a setting"),
        pytest.param({"UPRID_EVENTS__STREM": "x"}, "UPRID_EVENTS__STREM", id="in a block"),
        pytest.param(
            MONETA | {"UPRID_MONETA__POLLS": "x"}, "UPRID_MONETA__POLLS", id="in a provider"
        ),
        pytest.param({"UPRID_REDIS_URL": "redis://a"}, "UPRID_REDIS_URL", id="a prefix too much"),
        pytest.param({"UPRID_DATABASE_URL": "sqlite:///a"}, "UPRID_DATABASE_URL", id="another"),
    ],
)
def test_load_finds_typing_errors_in_names(environment: dict[str, str], variable: str) -> None:
    assert one_fault(environment) == f"{variable}: is no setting: look for a typing error"


def test_load_leaves_alone_what_is_not_its_own() -> None:
    load((), {"PATH": "/bin", "UPRIDE": "1", "REDIS_HOST": "a"})


# Contradictions


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        pytest.param(
            {"UPRID_ENGINE__MAX_COUNTDOWN": "601", "UPRID_ENGINE__VISIBILITY_TIMEOUT": "900"},
            "MAX_COUNTDOWN must be at most two thirds of VISIBILITY_TIMEOUT",
            id="a countdown longer than the broker waits",
        ),
        pytest.param(
            {"UPRID_ENGINE__HEARTBEAT": "4", "UPRID_ENGINE__LEASE_SILENCE": "6"},
            "LEASE_SILENCE must be at least twice HEARTBEAT",
            id="a heart slower than the others' patience",
        ),
        pytest.param(
            {"UPRID_ENGINE__SLOT": "400"},
            "SLOT must not be longer than MAX_COUNTDOWN",
            id="a slot wider than the longest countdown",
        ),
        pytest.param(
            {"UPRID_RETENTION__EVENTS": "899"},
            "must not be shorter than UPRID_ENGINE__VISIBILITY_TIMEOUT",
            id="events kept for less than a message",
        ),
        pytest.param(
            MONETA | {"UPRID_MONETA__READ_TIMEOUT": "31"},
            "TOTAL_TIMEOUT must not be shorter",
            id="a part longer than the whole",
        ),
        pytest.param(
            MONETA | {"UPRID_MONETA__SIMPLIFIED_GROUP_ID": "1"},
            "must differ",
            id="groups that are one",
        ),
        pytest.param(
            {k: v for k, v in MONETA.items() if "SIMPLIFIED" not in k},
            "one must be set, or no person could be found identified",
            id="no group of the identified",
        ),
    ],
)
def test_load_refuses(environment: dict[str, str], said: str) -> None:
    assert said in one_fault(environment)


def test_longest_countdown_may_be_two_thirds_of_the_visibility_timeout() -> None:
    load((), {"UPRID_ENGINE__MAX_COUNTDOWN": "600", "UPRID_ENGINE__VISIBILITY_TIMEOUT": "900"})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RATE_PER_SECOND", "0"),
        ("RATE_PER_SECOND", "nan"),
        ("RATE_PER_SECOND", "inf"),
        ("CHUNK", "0"),
        ("CHUNK", "2.5"),
        ("THREADS", "65"),
        ("BREAKER_FAILURES", "0"),
        ("SNILS_CHECKSUM", "ignore"),
        ("TRANSPORT", "carrier pigeon"),
        ("SETTLE_CHECKS", "0"),
        ("USERNAME", "x" * 201),
        ("ANONYMOUS_GROUP_ID", "-1"),
        ("CALLBACK_URL", "http://shop.example/"),
        ("POLL", "15"),
        ("POLL", '{"first_after": 15}'),
        ("POLL__STEPS", "[[1,"),
    ],
)
def test_load_refuses_a_providers(name: str, value: str) -> None:
    variable = f"UPRID_MONETA__{name}"

    for error in errors(MONETA | {variable: value}):
        assert error.startswith(variable.removesuffix("__STEPS"))


# Secrets


SECRETS = ("hunter2-secret", "broker-secret", "database-secret", "fingerprint-secret", KEY, OTHER)


def test_settings_show_no_secret() -> None:
    settings = load(ALL, GOOD)

    for shown in (repr(settings), str(settings), repr(settings.moneta)):
        assert not [secret for secret in SECRETS if secret in shown]


@pytest.mark.parametrize(
    "environment",
    [
        pytest.param({"UPRID_MONETA__PASSWORD": "s3cret" * 50}, id="a password"),
        pytest.param({"UPRID_SEAL_KEYS": f"{KEY},s3cret"}, id="a key"),
        pytest.param({"UPRID_FINGERPRINT_KEY": "s3cret"}, id="a short key"),
        pytest.param({"REDIS_URL": "amqp://:s3cret@h"}, id="a broker's address"),
        pytest.param({"DATABASE_URL": "mysql://u:s3cret@h/d"}, id="a database's address"),
        pytest.param({"UPRID_MONETA__URL": "https://u:s3cret@h/"}, id="a service's address"),
        pytest.param({"UPRID_MONETA": '{"password": "s3cret'}, id="a broken object"),
        pytest.param({"UPRID_MONETA__POLL": '{"s3cret": 1}'}, id="an object's value"),
        pytest.param({"UPRID_EVENTS__REDIS_URL": "x://:s3cret@h"}, id="the stream's address"),
    ],
)
def test_faults_quote_no_value(environment: dict[str, str]) -> None:
    with pytest.raises(SettingsError) as raised:
        load((), MONETA | environment)

    told: list[Any] = [raised.value, *raised.value.errors]
    shown = "".join(f"{one!r}{one}" for one in told).replace("(s3cret)", "")
    assert "s3cret" not in shown
