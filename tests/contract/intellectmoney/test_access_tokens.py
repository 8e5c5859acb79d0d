"""The UserToken: fetched once, shared, and once more where it is refused."""

from collections.abc import Mapping
from typing import Any

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr

from tests.support.loopback.http_stub import Answer, HttpStub
from tests.support.loopback.server import free_port
from tests.support.providers.intellectmoney import (
    ACCESS_TOKEN,
    FAILED,
    LOGIN,
    PASSWORD,
    QUEUED,
    REFUSED,
    Language,
    form,
    registry,
    response,
    settings,
    token,
)
from tests.support.providers.intellectmoney_asking import (
    ACCESS_TOKEN_PATH,
    INVOICES_PATH,
    SAVE,
    Maker,
    ask,
    current,
    paths,
    pending,
    short,
)
from uprid_client.sealing import Sealer
from worker.domain.outcomes import Pending
from worker.process.stored_access_tokens import StoredAccessTokens
from worker.providers.intellectmoney.plugin import IntellectMoneyPlugin
from worker.store.database import Database


def test_the_token_is_fetched_once_and_kept_sealed(
    make: Maker, stub: HttpStub, language: Language, empty_shelf: StoredAccessTokens
) -> None:
    empty_shelf.drop(current(empty_shelf))
    stub.answer(language.said(token()), language.said(registry(1)))

    plugin = make(stub.url)
    first, second = ask(plugin, "prepare"), ask(plugin, "prepare")

    assert (short(first), first.calls, second.calls) == ("succeeded", 2, 1)
    assert paths(stub) == [ACCESS_TOKEN_PATH, INVOICES_PATH, INVOICES_PATH]
    assert form(stub.asked[0]) == {"Login": LOGIN, "Password": PASSWORD}
    assert form(stub.asked[1])["UserToken"] == ACCESS_TOKEN
    assert current(empty_shelf).value == ACCESS_TOKEN


def test_a_refused_token_is_fetched_once_more(
    plugin: IntellectMoneyPlugin, stub: HttpStub, language: Language, shelf: StoredAccessTokens
) -> None:
    stub.answer(*map(language.said, (REFUSED, token("fresh"), registry(1))))

    outcome = ask(plugin, "prepare")

    assert (short(outcome), outcome.calls) == ("succeeded", 3)
    assert paths(stub) == [INVOICES_PATH, ACCESS_TOKEN_PATH, INVOICES_PATH]
    assert form(stub.asked[2])["UserToken"] == "fresh"
    assert current(shelf).value == "fresh"


@pytest.mark.parametrize("code", [0, 2], ids=["done", "error"])
@pytest.mark.parametrize("question", ["prepare", "poll"])
def test_a_token_that_is_refused_fresh_pauses_the_provider(
    plugin: IntellectMoneyPlugin, stub: HttpStub, language: Language, code: int, question: str
) -> None:
    refused = language.said(response({}, code=code, state=2))
    stub.answer(refused, language.said(token("fresh")), refused)

    assert short(ask(plugin, question)) == "pause"
    assert paths(stub) == [INVOICES_PATH, ACCESS_TOKEN_PATH, INVOICES_PATH]


@pytest.mark.parametrize("refusal", [FAILED, REFUSED], ids=["error", "not authenticated"])
@pytest.mark.parametrize("question", ["prepare", "poll"])
def test_a_refused_login_pauses_the_provider(
    plugin: IntellectMoneyPlugin,
    stub: HttpStub,
    language: Language,
    shelf: StoredAccessTokens,
    question: str,
    refusal: Mapping[str, Any],
) -> None:
    shelf.drop(current(shelf))
    stub.answer(language.said(refusal))

    assert short(ask(plugin, question)) == "pause"
    assert paths(stub) == [ACCESS_TOKEN_PATH]


def test_a_refused_login_is_tried_by_nobody_else_until_the_pause_is_known(
    plugin: IntellectMoneyPlugin, stub: HttpStub, language: Language, shelf: StoredAccessTokens
) -> None:
    shelf.drop(current(shelf))
    stub.answer(language.said(REFUSED))

    ask(plugin, "prepare")
    other = pending(ask(plugin, "poll"))

    assert (other.note, other.calls) == ("token is being fetched", 0)
    assert other.again_in is not None
    assert 1.0 < other.again_in <= 2.0
    assert paths(stub) == [ACCESS_TOKEN_PATH]


@pytest.mark.parametrize("question", ["prepare", "poll", "submit"])
def test_http_401_is_a_refused_token_and_pauses_the_provider_where_a_fresh_one_does_not_help(
    plugin: IntellectMoneyPlugin, stub: HttpStub, language: Language, question: str
) -> None:
    unknown = Answer(b"<html>", status=401)
    stub.answer(unknown, language.said(token("fresh")), unknown)
    kind = {"kind": SAVE} if question == "submit" else {}

    assert short(ask(plugin, question, **kind)) == "pause"
    assert paths(stub)[1] == ACCESS_TOKEN_PATH
    assert len(stub.asked) == 3


def test_http_401_in_the_place_of_a_token_pauses_the_provider(
    plugin: IntellectMoneyPlugin, stub: HttpStub, shelf: StoredAccessTokens
) -> None:
    shelf.drop(current(shelf))
    stub.answer(Answer(status=401))

    assert short(ask(plugin, "prepare")) == "pause"
    assert paths(stub) == [ACCESS_TOKEN_PATH]


def test_a_queued_token_is_asked_for_at_growing_distances_by_nobody_else(
    plugin: IntellectMoneyPlugin, stub: HttpStub, language: Language, shelf: StoredAccessTokens
) -> None:
    shelf.drop(current(shelf))
    stub.answer(language.said(QUEUED))

    first = pending(ask(plugin, "prepare"))
    other = pending(ask(plugin, "poll"))

    assert (first.note, first.again_in, first.trouble) == ("token is queued", 2.0, None)
    assert other.note == "token is being fetched"
    assert other.again_in is not None
    assert 1.0 < other.again_in <= 2.0
    assert (other.calls, paths(stub)) == (0, [ACCESS_TOKEN_PATH])


def test_who_does_not_fetch_the_token_looks_again_soon(
    plugin: IntellectMoneyPlugin, stub: HttpStub, shelf: StoredAccessTokens
) -> None:
    shelf.drop(current(shelf))
    assert shelf.hold(30) == 0.0

    outcome = pending(ask(plugin, "prepare"))

    assert outcome == Pending("token is being fetched", again_in=0.5, calls=0)
    assert stub.asked == []
    shelf.release()


@pytest.mark.parametrize(
    ("odd", "prepared", "polled"),
    [
        pytest.param(Answer(status=502), "notsent transport", "pending transport", id="down"),
        pytest.param(response({}), "pending", "pending unknown", id="no token"),
        pytest.param(token("a b\nc" * 900), "pending", "pending unknown", id="no sound token"),
        pytest.param(Answer(b"x" * 2_000), "pending", "pending unknown", id="too large"),
    ],
)
def test_trouble_with_the_token_is_no_end(
    make: Maker,
    stub: HttpStub,
    language: Language,
    shelf: StoredAccessTokens,
    odd: Answer | Mapping[str, Any],
    prepared: str,
    polled: str,
) -> None:
    plugin = make(stub.url, reply_limit=1_500)
    shelf.drop(current(shelf))
    stub.answer(odd if isinstance(odd, Answer) else language.said(odd))

    assert short(ask(plugin, "prepare")) == prepared
    assert short(ask(plugin, "poll")) == polled
    assert set(paths(stub)) == {ACCESS_TOKEN_PATH}


def test_both_headers_are_sent_when_they_are_set(
    make: Maker, stub: HttpStub, language: Language, shelf: StoredAccessTokens
) -> None:
    shelf.drop(current(shelf))
    plugin = make(
        stub.url,
        login="login",
        password=SecretStr("pass"),
        bearer_token=SecretStr("bearer"),
        sign_secret_key=SecretStr("secret"),
    )
    stub.answer(language.said(token()), language.said(registry(1)))

    ask(plugin, "prepare")

    asked, _ = stub.asked
    assert asked.headers["authorization"] == "Bearer bearer"
    assert asked.headers["sign"] == (
        "f5f91f711f328a6a2859f77431b3610c891e8d8b924d5e7401cd41bc7ee3886d"
    )
    assert "authorization" in stub.asked[1].headers


def test_without_the_database_nothing_is_asked_and_nothing_is_in_doubt(
    stub: HttpStub, language: Language
) -> None:
    database = Database(f"postgresql+psycopg://nobody@127.0.0.1:{free_port()}/none")
    away = StoredAccessTokens(database, Sealer([Fernet.generate_key().decode()]), "intellectmoney")
    plugin = IntellectMoneyPlugin(settings(stub.url, format=language.name), away)

    waits = Pending("token shelf away", again_in=0.5, calls=0)
    assert ask(plugin, "prepare") == ask(plugin, "poll") == waits
    assert short(ask(plugin, "submit", kind="save_scheduled_operation")) == "notsent dependency"
    assert stub.asked == []
    plugin.close()
    database.dispose()
