"""One reading of a Redis address: what is taken, what is refused, and that no value is repeated."""

import traceback
from pathlib import Path

import pytest

from config.settings import SettingsError, load
from tests.support.servers.broker_certificates import Authority
from uprid_client import Client
from uprid_client.redis_server.address import RedisAddress
from uprid_client.redis_server.reading import RedisAddressError, parse
from uprid_client.sealing import new_key

SENTINELS = (("h1", 26379), ("h2", 26380), ("h3", 26379))


@pytest.mark.parametrize(
    ("address", "read"),
    [
        pytest.param("redis://h", RedisAddress((("h", 6379),)), id="host alone"),
        pytest.param("REDIS://h:1/", RedisAddress((("h", 1),)), id="scheme in capitals"),
        pytest.param(" redis://h/2\n", RedisAddress((("h", 6379),), database=2), id="blanks"),
        pytest.param("redis://h?db=1", RedisAddress((("h", 6379),), database=1), id="db option"),
        pytest.param("redis://h/1?db=1", RedisAddress((("h", 6379),), database=1), id="db twice"),
        pytest.param("redis://[::1]:7/0", RedisAddress((("::1", 7),)), id="IPv6"),
        pytest.param(
            "redis://:p%23%40%2F%3F%25%20%5B@h",
            RedisAddress((("h", 6379),), password="p#@/?% ["),
            id="percent-encoded",
        ),
        pytest.param(
            "redis://u@x:a@b:c;[&=@h",
            RedisAddress((("h", 6379),), username="u@x", password="a@b:c;[&="),
            id="signs that mean nothing there",
        ),
        pytest.param("redis://:@h", RedisAddress((("h", 6379),)), id="no password"),
        pytest.param(
            "unix://u:p%2F@/run/a%3Bb.sock?db=3",
            RedisAddress(path="/run/a;b.sock", username="u", password="p/", database=3),
            id="socket",
        ),
        pytest.param(
            "redis+socket:///run/b.sock?virtual_host=3",
            RedisAddress(path="/run/b.sock", database=3),
            id="socket as Celery writes it",
        ),
        pytest.param(
            "sentinel://u:p@h1,h2:26380,h3/4?master_name=m&sentinel_username=s"
            "&sentinel_password=%2Fq",
            RedisAddress(
                SENTINELS, None, 4, "u", "p",
                service="m", sentinel_username="s", sentinel_password="/q",
            ),
            id="Sentinels",
        ),
        pytest.param(
            "sentinel://:p@h1;sentinel://:p@h2:26380;sentinel://:p@h3/4?service_name=m",
            RedisAddress(SENTINELS, None, 4, None, "p", service="m"),
            id="Sentinels as Celery writes them",
        ),
    ],
)  # fmt: skip
def test_address_is_read(address: str, read: RedisAddress) -> None:
    assert parse(address) == read


def test_address_with_tls_is_verified_unless_it_says_otherwise() -> None:
    for scheme in ("rediss://h", "sentinels://h?master_name=m"):
        tls = parse(scheme).tls
        assert tls is not None
        assert (tls.verification.name, tls.checks_host) == ("CERT_REQUIRED", True)
    joined = "rediss://h?ssl_cert_reqs="
    for written, meant in (("required", "REQUIRED"), ("CERT_OPTIONAL", "OPTIONAL")):
        tls = parse(joined + written).tls
        assert tls is not None
        assert (tls.verification.name, tls.checks_host) == (f"CERT_{meant}", True)
    for written in ("none", "CERT_NONE", "None"):
        tls = parse(joined + written).tls
        assert tls is not None
        assert (tls.verification.name, tls.checks_host) == ("CERT_NONE", False)


ENCODE = "percent-encode"
#: The part that must not be said again is `Secret` wherever it stands.
REFUSED = [
    pytest.param("redis://:Secret123#x@127.0.0.1/0", ENCODE, id="hash"),
    pytest.param("redis://:Secret/x@h/0", ENCODE, id="slash"),
    pytest.param("redis://:Secret?x@h/0", ENCODE, id="question mark"),
    pytest.param("redis://:Secret/a@b@h", ENCODE, id="slash and at"),
    pytest.param("redis://:a@b/Secret@h", ENCODE, id="at and slash"),
    pytest.param("redis://:Secret%x@h", ENCODE, id="percent"),
    pytest.param("redis://:Secret%ff@h", "UTF-8", id="encoded bytes of no text"),
    pytest.param("redis://:Secret x@h", ENCODE, id="blank"),
    pytest.param("redis://:Secret\n@h", ENCODE, id="line end"),
    pytest.param("redis://:Secret\x00@h", ENCODE, id="control character"),
    pytest.param("redis://:p@h[Secret/0", "host", id="bracket"),
    pytest.param("redis://:p@[Secret]/0", "host", id="no IPv6"),
    pytest.param("redis://:p@h1:1:Secret", "host", id="two colons"),
    pytest.param("redis://h:Secret", "port", id="port that is none"),
    pytest.param("redis://:Secret@h:", "port", id="empty port"),
    pytest.param("redis://:Secret@h:0", "port", id="port 0"),
    pytest.param("redis://:Secret@h:70000", "port", id="port 70000"),
    pytest.param("redis://:Secret@h:-1", "port", id="negative port"),
    pytest.param("redis://:Secret@h:\u0661", "port", id="port in other digits"),
    pytest.param("redis://h/Secret", "database", id="database that is none"),
    pytest.param("redis://:Secret@h/-1", "database", id="negative database"),
    pytest.param("redis://:Secret@h/0/1", "database", id="two databases"),
    pytest.param("redis://:Secret@h/0/", "database", id="slash behind"),
    pytest.param("redis://:Secret@h//0", "database", id="two slashes"),
    pytest.param("redis://:Secret@h/99999999999", "database", id="large database"),
    pytest.param("redis://:Secret@h/1?db=2", "two databases", id="contradiction"),
    pytest.param("redis://h?db=Secret", "database", id="option that is no number"),
    pytest.param("redis://:Secret@h?db=", "db is empty", id="empty option"),
    pytest.param("redis://:Secret@h?db=1&db=1", "twice", id="option twice"),
    pytest.param("amqp://:Secret@h", "must begin", id="another scheme"),
    pytest.param("rediss+socket:///Secret", "must begin", id="TLS on a socket"),
    pytest.param("Secret", "must begin", id="no address"),
    pytest.param("redis:/Secret", "must begin", id="one slash"),
    pytest.param("redis://:Secret@", "no host", id="no host"),
    pytest.param("redis://:Secret@/0", "no host", id="no host but a database"),
    pytest.param("redis://:Secret@:6379", "no host", id="port alone"),
    pytest.param("redis://:Secret@a..b", "host", id="name that cannot be asked for"),
    pytest.param("redis://:Secret@h1,h2", "sentinel://", id="several hosts"),
    pytest.param("redis://:Secret@h1;redis://h2", "sentinel://", id="several addresses"),
    pytest.param("redis://:Secret@h1; redis://h2", "sentinel://", id="several, with a blank"),
    pytest.param("redis://h?password=Secret", "before the host", id="password as an option"),
    pytest.param("redis://h?ssl_ca_certs=/Secret", "rediss://", id="TLS without TLS"),
    pytest.param("redis://h?Secret", "no name that is known", id="option without a value"),
    pytest.param("redis://h?timeout=Secret", "option timeout is unknown", id="unknown option"),
    pytest.param("redis://h?Secret9=x", "no name that is known", id="option that is no word"),
    pytest.param("rediss://h?ssl_min_version=1", "ssl_min_version", id="unknown TLS option"),
    pytest.param("rediss://h?ssl_cert_reqs=Secret", "ssl_cert_reqs", id="verified how"),
    pytest.param("rediss://h?ssl_check_hostname=Secret", "ssl_check_hostname", id="no truth"),
    pytest.param(
        "rediss://h?ssl_cert_reqs=none&ssl_check_hostname=true", "ssl_check_hostname", id="half"
    ),
    pytest.param("rediss://h?ssl_ca_certs=/Secret", "ssl_ca_certs names no file", id="no file"),
    pytest.param("rediss://h?ssl_ca_certs=/", "ssl_ca_certs names a file", id="a folder"),
    pytest.param("rediss://h?ssl_ca_certs=/a%00Secret", "ssl_ca_certs", id="no path"),
    pytest.param("rediss://h?ssl_keyfile=/Secret", "ssl_certfile", id="key alone"),
    pytest.param("rediss://h?ssl_ca_certs=/dev/null", "PEM", id="no authority in it"),
    pytest.param("unix://Secret/run/a.sock", "whole path", id="socket on a host"),
    pytest.param("unix://:Secret@", "whole path", id="no socket"),
    pytest.param("unix:///run/a.sock?db=Secret", "database", id="socket's database"),
    pytest.param("sentinel://:Secret@h1,h2", "master_name", id="no servers' name"),
    pytest.param(
        "sentinel://h?master_name=Secret&service_name=b", "master_name", id="two names"
    ),
    pytest.param("sentinel://:Secret@h1,,h2?master_name=m", "no host", id="empty Sentinel"),
    pytest.param("sentinel://:a@h1;sentinel://:Secret@h2?master_name=m", "same", id="two ways"),
    pytest.param("sentinel://h?master_name=m&ssl_cert_reqs=none", "sentinels://", id="no TLS"),
]  # fmt: skip


@pytest.mark.parametrize(("address", "said"), REFUSED)
def test_address_is_refused_at_the_start_in_one_line(address: str, said: str) -> None:
    with pytest.raises(SettingsError) as raised:
        load((), {"REDIS_URL": address, "UPRID_EVENTS__REDIS_URL": address})

    for fault, name in zip(
        raised.value.errors, ("REDIS_URL", "UPRID_EVENTS__REDIS_URL"), strict=True
    ):
        assert fault.startswith(f"{name}: ")
        assert said in fault
        assert "Secret" not in fault
        assert "\n" not in fault


@pytest.mark.parametrize(("address", "said"), REFUSED)
def test_client_refuses_the_same_and_carries_no_value_along(address: str, said: str) -> None:
    for arguments in ({"redis_url": address}, {"events_redis_url": address}):
        with pytest.raises(RedisAddressError) as raised:
            Client(**{"redis_url": "redis://h", "seal_keys": [new_key()], **arguments})  # type: ignore[arg-type]

        error = raised.value
        assert isinstance(error, ValueError)
        assert said in str(error)
        assert error.__cause__ is error.__context__ is None
        # Without the lines of source, in which this test itself gives the address.
        frames = traceback.format_exception_only(error)
        assert "Secret" not in repr(error) + "".join(frames)


def test_address_shows_no_password() -> None:
    address = parse("sentinel://User:Secret@h?master_name=m&sentinel_password=Secret")

    assert "Secret" not in repr(address)


def test_files_of_tls_are_looked_into_at_the_start(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    one, other = authority.certificate("a"), authority.certificate("b")
    given = f"rediss://h?ssl_ca_certs={authority.path}&ssl_certfile={one.path}&ssl_keyfile="

    assert parse(given + str(one.key)).tls is not None
    for key in (other.key, authority.path):
        with pytest.raises(RedisAddressError, match="ssl_keyfile must be PEM files"):
            parse(given + str(key))
    encrypted = authority.certificate("c", password=b"Secret")
    with pytest.raises(RedisAddressError, match="not encrypted"):
        parse(f"rediss://h?ssl_certfile={encrypted.path}&ssl_keyfile={encrypted.key}")
