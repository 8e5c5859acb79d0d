"""The plugins in a network of their own: a company's authority, a proxy, a client certificate."""

from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from config.settings import Settings, load
from tests.support.loopback.connect_proxy import ConnectProxy
from tests.support.loopback.http_stub import HttpStub, said
from tests.support.providers import mandarin, moneta, npd
from tests.support.providers.wires import JSON, SOAP, Wire
from tests.support.servers.authority import Authority
from uprid_client.contract.states import State
from uprid_client.names import Provider
from uprid_client.sealing import Sealer
from worker.domain.outcomes import Finished, NotSent, Outcome, Pending, Started
from worker.process.stored_access_tokens import StoredAccessTokens
from worker.providers.protocol import Plugin
from worker.providers.registry import plugins_of
from worker.providers.resources import Resources
from worker.store.database import Database


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def host(authority: Authority) -> Iterator[HttpStub]:
    """A host that wants a certificate of the same authority."""
    with HttpStub(tls=authority.serving(wants=authority)) as server:
        yield server


@pytest.fixture
def proxy() -> Iterator[ConnectProxy]:
    with ConnectProxy() as server:
        yield server


@pytest.fixture
def network(authority: Authority) -> dict[str, str]:
    """MONETA's settings, but for its proxy; the authority is everyone's."""
    certificate, key = authority.issue("client")
    return {
        "UPRID_CA_BUNDLE": str(authority.certificate),
        "UPRID_MONETA__CLIENT_CERT": str(certificate),
        "UPRID_MONETA__CLIENT_KEY": str(key),
        "UPRID_MONETA__USERNAME": "user",
        "UPRID_MONETA__PASSWORD": moneta.PASSWORD,
        "UPRID_MONETA__ANONYMOUS_GROUP_ID": str(moneta.ANONYMOUS),
        "UPRID_MONETA__FULL_GROUP_ID": str(moneta.FULL),
    }


@pytest.fixture
def plugins(tmp_path: Path) -> Iterator["Maker"]:
    with ExitStack() as stack:
        yield Maker(stack, tmp_path)


class Maker:
    """Makes the plugins of an environment, as a worker does."""

    def __init__(self, stack: ExitStack, folder: Path) -> None:
        self._stack = stack
        self._folder = folder

    def __call__(self, environment: dict[str, str]) -> dict[Provider, Plugin]:
        settings: Settings = load((), environment)
        database = Database(f"sqlite:///{self._folder}/tokens.sqlite3", connections=1)
        self._stack.callback(database.dispose)
        sealer = Sealer([Fernet.generate_key().decode()])
        shelf_of = partial(StoredAccessTokens, database, sealer)
        made = dict(plugins_of(Resources(settings, shelf_of)))
        for plugin in made.values():
            self._stack.callback(plugin.close)
        return made


@pytest.mark.parametrize("wire", [JSON, SOAP], ids=["json", "soap"])
def test_submit_and_poll_go_through_the_proxy_with_our_certificate(
    plugins: Maker, host: HttpStub, proxy: ConnectProxy, network: dict[str, str], wire: Wire
) -> None:
    host.answer(wire.said(moneta.ticket("CREATED")), wire.said(moneta.ticket()))
    plugin = plugins(
        network
        | {
            "UPRID_MONETA__URL": host.url,
            "UPRID_MONETA__PROXY": proxy.url,
            "UPRID_MONETA__TRANSPORT": wire.name,
        }
    )[Provider.MONETA]

    started = plugin.submit(moneta.work(State.SUBMITTING, payload=moneta.PERSON, provider_ref=None))
    polled = plugin.poll(moneta.work())

    assert isinstance(started, Started)
    assert polled == Pending("INPROGRESS")
    assert len(proxy.asked) == 2


@pytest.mark.parametrize("status", [502, 403, 407])
def test_a_submit_that_the_proxy_refused_is_made_again(
    plugins: Maker, host: HttpStub, proxy: ConnectProxy, network: dict[str, str], status: int
) -> None:
    proxy.status = status
    plugin = plugins(network | {"UPRID_MONETA__URL": host.url, "UPRID_MONETA__PROXY": proxy.url})[
        Provider.MONETA
    ]

    outcome = plugin.submit(moneta.work(State.SUBMITTING, payload=moneta.PERSON, provider_ref=None))

    assert isinstance(outcome, NotSent)
    assert outcome.note == f"proxy refused, http {status}"
    assert host.asked == []


def test_what_npd_asks_of_moneta_goes_as_moneta_s_settings_say(
    plugins: Maker, host: HttpStub, proxy: ConnectProxy, network: dict[str, str]
) -> None:
    host.answer(said(moneta.profile(moneta.FULL)))
    with HttpStub() as other:
        plugin = plugins(
            network
            | {
                "UPRID_MONETA__URL": host.url,
                "UPRID_MONETA__PROXY": proxy.url,
                "UPRID_NPD__URL": other.url,
                "UPRID_NPD__SECURITY_KEY": "k",
                "UPRID_NPD__SECRET_KEY": "s",
            }
        )[Provider.NPD]

        outcome: Outcome = Pending("not asked yet")
        for _ in range(20):
            outcome = plugin.settle(
                npd.work(State.SETTLING, args={"unit_id": npd.UNIT_ID}, progress={"unit_id": 4242})
            )
            if not isinstance(outcome, Pending):
                break

    assert isinstance(outcome, Finished)
    assert outcome.state is State.SUCCEEDED
    assert len(proxy.asked) == 1
    assert [asked.path for asked in host.asked] == ["/services"]


def test_the_common_authority_is_believed_of_every_provider(
    plugins: Maker, authority: Authority
) -> None:
    with HttpStub(tls=authority.serving()) as host:
        made = plugins(
            {
                "UPRID_CA_BUNDLE": str(authority.certificate),
                "UPRID_MANDARIN__URL": host.url,
                "UPRID_MANDARIN__MERCHANT_ID": "1",
                "UPRID_MANDARIN__SECRET": "s",
                "UPRID_NPD__URL": host.url,
                "UPRID_NPD__SECURITY_KEY": "k",
                "UPRID_NPD__SECRET_KEY": "s",
                "UPRID_INTELLECTMONEY__URL": host.url,
                "UPRID_INTELLECTMONEY__LOGIN": "l",
                "UPRID_INTELLECTMONEY__PASSWORD": "p",
            }
        )
        found = {
            finding.what: finding.detail
            for plugin in made.values()
            for finding in plugin.check()
            if finding.what.endswith(" host")
        }

    assert found == dict.fromkeys(
        ("npd host", "mandarin host", "intellectmoney host"), "answers with http 200"
    )


def test_a_provider_s_own_authority_is_no_other_s(plugins: Maker, authority: Authority) -> None:
    with HttpStub(tls=authority.serving()) as host:
        host.answer(said({"id": mandarin.SESSION}))
        made = plugins(
            {
                "UPRID_MANDARIN__CA_BUNDLE": str(authority.certificate),
                "UPRID_MANDARIN__URL": host.url,
                "UPRID_MANDARIN__MERCHANT_ID": "1",
                "UPRID_MANDARIN__SECRET": "s",
                "UPRID_NPD__URL": host.url,
                "UPRID_NPD__SECURITY_KEY": "k",
                "UPRID_NPD__SECRET_KEY": "s",
            }
        )

        taken = made[Provider.MANDARIN].submit(mandarin.submitted(mandarin.BY_SNILS))
        refused = made[Provider.NPD].submit(
            npd.work(State.SUBMITTING, payload=npd.PERSON, provider_ref=None)
        )

    assert isinstance(taken, Started)
    assert isinstance(refused, NotSent)
    assert refused.note == "certificate not trusted"
