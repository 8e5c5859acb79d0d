"""What can be set of the network to a provider, and what is refused at the start."""

import datetime as dt
from pathlib import Path
from urllib.parse import quote

import pytest
from requests.utils import DEFAULT_CA_BUNDLE_PATH

from config.proxy import Proxy
from config.settings import Settings, SettingsError, load
from tests.support.servers.authority import Authority

DAY = dt.timedelta(days=1)
PASSWORD = "Sécret#1/x@y:z%41"
MANDARIN = {
    "UPRID_MANDARIN__URL": "https://secure.mandarinpay.com",
    "UPRID_MANDARIN__MERCHANT_ID": "1",
    "UPRID_MANDARIN__SECRET": "s",
}


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def files(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Files by what they are."""
    folder = tmp_path_factory.mktemp("files")
    certificate, key = authority.issue("good")
    expired, expired_key = authority.issue("expired", valid=(-2 * DAY, -DAY))
    early, early_key = authority.issue("early", valid=(DAY, 2 * DAY))
    _, locked = authority.issue("locked", password=b"phrase")
    both = folder / "both.pem"
    both.write_bytes(certificate.read_bytes() + key.read_bytes())
    written = {
        "empty": b"",
        "page": b"<html>",
        "broken": b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        "marked": b"\xef\xbb\xbf"
        + "# Удостоверяющий центр\r\n".encode()
        + certificate.read_bytes(),
        "renewed": expired.read_bytes() + certificate.read_bytes(),
    }
    for name, content in written.items():
        (folder / name).write_bytes(content)
    paths = {name: folder / name for name in written} | {
        "authority": authority.certificate, "certificate": certificate, "key": key, "both": both,
        "expired": expired, "expired key": expired_key, "early": early, "early key": early_key,
        "locked": locked, "other key": authority.issue("other")[1], "folder": folder,
        "nowhere": folder / "nowhere.pem", "device": Path("/dev/zero"),
    }  # fmt: skip
    return {name: str(path) for name, path in paths.items()}


def loaded(changes: dict[str, str]) -> Settings:
    return load((), {**MANDARIN, **changes})


def fault(changes: dict[str, str]) -> str:
    with pytest.raises(SettingsError) as caught:
        loaded(changes)
    [told] = caught.value.errors
    assert "\n" not in told
    return told


@pytest.mark.parametrize("name", ["authority", "certificate", "marked", "renewed", "both"])
def test_a_bundle_is_any_file_with_a_certificate_that_is_valid(
    files: dict[str, str], name: str
) -> None:
    bundles = {"UPRID_CA_BUNDLE": files[name], "UPRID_MANDARIN__CA_BUNDLE": f" {files[name]}\n"}

    settings = loaded(bundles)

    assert settings.mandarin is not None
    assert settings.ca_bundle == settings.mandarin.ca_bundle == (Path(files[name]),)


def test_a_bundle_may_be_all_that_certifi_has() -> None:
    assert loaded({"UPRID_CA_BUNDLE": DEFAULT_CA_BUNDLE_PATH}).ca_bundle == (
        Path(DEFAULT_CA_BUNDLE_PATH),
    )


@pytest.mark.parametrize("variable", ["UPRID_CA_BUNDLE", "UPRID_MANDARIN__CA_BUNDLE"])
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nowhere", "not there"),
        ("folder", "is a directory"),
        ("device", "no regular file"),
        ("empty", "no certificate in PEM"),
        ("page", "no certificate in PEM"),
        ("key", "no certificate in PEM"),
        ("broken", "cannot be read"),
        ("expired", "have expired"),
    ],
)
def test_a_bundle_that_proves_nothing_is_refused(
    files: dict[str, str], variable: str, name: str, said: str
) -> None:
    told = fault({variable: files[name]})

    assert told.startswith(f"{variable}: ")
    assert said in told
    assert files[name] not in told


@pytest.mark.parametrize(
    "pair", [("certificate", "key"), ("both", None), ("both", "both"), ("certificate", "both")]
)
def test_a_certificate_and_its_key_are_taken(
    files: dict[str, str], pair: tuple[str, str | None]
) -> None:
    certificate, key = pair
    changes = {"UPRID_MANDARIN__CLIENT_CERT": files[certificate]}
    if key is not None:
        changes["UPRID_MANDARIN__CLIENT_KEY"] = files[key]

    settings = loaded(changes).mandarin

    assert settings is not None
    assert settings.client_cert == Path(files[certificate])


@pytest.mark.parametrize(
    ("certificate", "key", "at", "said"),
    [
        ("nowhere", "key", "CERT", "not there"),
        ("key", "key", "CERT", "no certificate in PEM"),
        ("expired", "expired key", "CERT", "has expired"),
        ("early", "early key", "CERT", "not valid yet"),
        ("certificate", None, "KEY", "is missing"),
        (None, "key", "KEY", "needs CLIENT_CERT"),
        ("certificate", "nowhere", "KEY", "not there"),
        ("certificate", "certificate", "KEY", "no private key"),
        ("certificate", "locked", "KEY", "passphrase"),
        ("certificate", "other key", "KEY", "does not belong"),
    ],
)
def test_a_certificate_or_key_that_cannot_be_used_is_refused(
    files: dict[str, str], certificate: str | None, key: str | None, at: str, said: str
) -> None:
    given = {"CERT": certificate, "KEY": key}
    told = fault(
        {
            f"UPRID_MANDARIN__CLIENT_{n}": files[name]
            for n, name in given.items()
            if name is not None
        }
    )

    assert told.startswith(f"UPRID_MANDARIN__CLIENT_{at}: ")
    assert said in told
    assert not any(path in told for path in files.values())


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [
        ("http://proxy.example:3128", "proxy.example", 3128),
        ("http://proxy.example:3128/", "proxy.example", 3128),
        ("HTTP://Proxy.example", "proxy.example", 80),
        ("http://[::1]:3128\n", "::1", 3128),
        ("http://@proxy.example:1", "proxy.example", 1),
    ],
)
def test_a_proxy_is_read(url: str, host: str, port: int) -> None:
    settings = loaded({"UPRID_MANDARIN__PROXY": url}).mandarin

    assert settings is not None
    assert settings.proxy is not None
    assert Proxy.of(settings.proxy.get_secret_value()) == Proxy(host, port)


def test_a_proxy_s_password_is_decoded_and_shown_nowhere() -> None:
    url = f"http://work%20er:{quote(PASSWORD, safe='')}@proxy.example:3128"

    settings = loaded({"UPRID_MANDARIN__PROXY": url})
    proxy = Proxy.of(url)

    # work er:Sécret#1/x@y:z%41
    assert proxy.authorization == "Basic d29yayBlcjpTw6ljcmV0IzEveEB5OnolNDE="
    for shown in (repr(settings), repr(proxy), settings.model_dump_json()):
        assert "Sécret" not in shown
        assert "S%C3" not in shown
        assert "d29y" not in shown


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("proxy.example:3128", "must begin with http://"),
        ("https://u:Hidden@proxy.example:3128", "must begin with http://"),
        ("socks5://u:Hidden@proxy.example:1080", "must begin with http://"),
        ("http://", "must name a host"),
        ("http://u:Hidden@", "must name a host"),
        ("http://u:Hidden@proxy.example:0", "must name a host"),
        ("http://u:Hidden@proxy.example:99999", "must name a host"),
        ("http://u:Hidden@proxy.example:port", "must name a host"),
        ("http://u:Hidden@proxy.example/path", "must name a host"),
        ("http://u:Hidden@proxy.example?x", "must name a host"),
        ("http://u:Hidden@[::1", "must name a host"),
        ("http://u:Hid#den@proxy.example:3128", "percent-encoded"),
        ("http://u:Hid/den@proxy.example:3128", "percent-encoded"),
        ("http://u:Hid?den@proxy.example:3128", "percent-encoded"),
        ("http://u:Hid@den@proxy.example:3128", "percent-encoded"),
        ("http://u:Hid[den@proxy.example:3128", "percent-encoded"),
        ("http://u:Hid%den@proxy.example:3128", "UTF-8"),
        ("http://u:Hid%xden@proxy.example:3128", "percent-encoded"),
        ("http://u:Hid den@proxy.example:3128", "percent-encoded"),
        ("http://u:Hidden%0d%0aX@proxy.example:3128", "control characters"),
        ("http://u%3Au:Hidden@proxy.example:3128", "colon"),
        ("http://u:Hid#den", "percent-encode"),
    ],
)
def test_a_proxy_that_is_none_is_refused_without_a_quote(url: str, said: str) -> None:
    told = fault({"UPRID_MANDARIN__PROXY": url})

    assert told.startswith("UPRID_MANDARIN__PROXY: ")
    assert said in told
    assert "Hid" not in told


def test_every_fault_of_the_network_is_named_at_once(files: dict[str, str]) -> None:
    with pytest.raises(SettingsError) as caught:
        loaded(
            {
                "UPRID_CA_BUNDLE": files["nowhere"],
                "UPRID_MANDARIN__CA_BUNDLE": files["empty"],
                "UPRID_MANDARIN__CLIENT_KEY": files["key"],
                "UPRID_MANDARIN__PROXY": "ftp://x",
            }
        )

    named = sorted(told.partition(":")[0] for told in caught.value.errors)
    assert named == [
        "UPRID_CA_BUNDLE",
        "UPRID_MANDARIN__CA_BUNDLE",
        "UPRID_MANDARIN__CLIENT_KEY",
        "UPRID_MANDARIN__PROXY",
    ]


@pytest.mark.parametrize("name", ["a..b", "a" * 70])
@pytest.mark.parametrize("setting", ["URL", "PROXY"])
def test_host_that_cannot_be_looked_up_is_refused_at_the_start(setting: str, name: str) -> None:
    sound = {"URL": "https://h", "MERCHANT_ID": "1", "SECRET": "s"}
    scheme = "https" if setting == "URL" else "http"
    given = {**sound, setting: f"{scheme}://{name}:3128"}

    with pytest.raises(SettingsError, match=f"UPRID_MANDARIN__{setting}: must name a host"):
        load((), {f"UPRID_MANDARIN__{key}": value for key, value in given.items()})
