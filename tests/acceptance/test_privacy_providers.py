"""No personal value and no credential of NPD, Mandarin and IntellectMoney anywhere in clear.

As with MONETA (`test_privacy`): everything that was written anywhere during one eventful run is
looked through in every writing. What the providers' own answers hold is looked for too.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import pytest

from tests.support.leaks import scan
from tests.support.leaks.eavesdrop import Eavesdropper
from tests.support.leaks.places import dump, flower_hears, flower_pages, guarded
from tests.support.loopback.server import free_port
from tests.support.loopback.web_address import WebAddress
from tests.support.messages.marketplace import (
    CODE,
    ENDS,
    INPUT_REQUIRED,
    INVOICES,
    LIST_SCHEDULED,
    MANDARIN,
    NOTIFICATION,
    NPD,
    RETRY,
    SAVE_SCHEDULED,
    WAITING,
    Marketplace,
)
from tests.support.messages.people import Payload, person
from tests.support.processes.child import wait_until
from tests.support.processes.system import FINGERPRINT_KEY, SEAL_KEY, System, system
from tests.support.providers.payloads import (
    magic_phone,
    mandarin_person,
    npd_person,
    right_code,
    scheduled_change,
)
from tests.support.servers.fresh import valkey_server

#: Ours and the providers', by what they are called in the settings.
_CREDENTIALS: Final = {
    "moneta__password": "Zwieback-moneta-1138",
    "npd__security_key": "Ypsilanti-npd-2241",
    "npd__secret_key": "Quetzal-npd-5567",
    "mandarin__secret": "Wolkenbruch-mandarin-9043",
    "intellectmoney__password": "Rhabarber-intellect-3312",
    "intellectmoney__bearer_token": "Vexierbild-intellect-7780",
    "intellectmoney__sign_secret_key": "Jodtinktur-intellect-6624",
}
_PASSWORDS: Final = {
    **_CREDENTIALS,
    "broker": "Qumranite-broker-4711",
    "database": "Xanthippe-database-0815",
    "flower": "Hyacinth-flower-2319",
    "seal-key": SEAL_KEY,
    "fingerprint-key": FINGERPRINT_KEY,
}
#: What the stand-ins put into their answers and notifications.
_ANSWERED: Final = {
    "invoice-comment": scan.text("Оплата заказа <№ 1>"),
    "transaction-comment": scan.text("Возврат по ордеру"),
    "transaction-description": scan.text("Внутренний на"),
    "owner-e-mail": scan.text("obrazets@example.com"),
    "owner-name": scan.text("Образцов Пример Тестович"),
    "mandarin-error": scan.text("Данные не подтверждены"),
}
_CONTROL: Final = "privacy-control-reference"

_NPD_SCENARIOS: Final = (0, 2, 5, 9, 105, 400, 407, 500, 506, 508, 601, 706)
_MANDARIN_SCENARIOS: Final = (0, 3, 100, 120, 305, 401, 500, 506, 512, 700, 706, 709, 713)
#: Where a code is in doubt, or none is right: Mandarin's patience is longer than a test's.
_LASTING: Final = (120, 700, 706, 709, 713)
_FIRST_NPD: Final = 600
_FIRST_MANDARIN: Final = 700
_FAULTY: Final = (750, 751, 752, 753)
_RETRIED: Final = 760
#: Whom a sender put in clear by mistake: into the broker, and nowhere else.
_MISTAKEN: Final = 770
_SEALED_PEOPLE: Final = (
    *range(_FIRST_NPD, _FIRST_NPD + len(_NPD_SCENARIOS)),
    *range(_FIRST_MANDARIN, _FIRST_MANDARIN + len(_MANDARIN_SCENARIOS)),
    *_FAULTY,
    _RETRIED,
)
#: Codes that no session takes for right, and that stand nowhere by chance.
_CODES: Final = tuple(f"271828182{n}" for n in range(len(_MANDARIN_SCENARIOS)))
_CLEAR_CODE: Final = "3141592653"


def _phone(number: int, scenario: int) -> str:
    return magic_phone(number, scenario)


def _secrets_of(number: int, phone: str) -> dict[str, scan.Secret]:
    """Return every field of a person, with the phone that chose the scenario."""
    name = f"person-{number}"
    return {**scan.of_person(name, person(number)), f"{name}.phone": scan.number(phone[-10:])}


def _people() -> dict[int, str]:
    """Return the phones of all whose data is only ever sealed."""
    phones = {
        _FIRST_NPD + n: _phone(_FIRST_NPD + n, scenario)
        for n, scenario in enumerate(_NPD_SCENARIOS)
    }
    phones |= {
        _FIRST_MANDARIN + n: _phone(_FIRST_MANDARIN + n, scenario)
        for n, scenario in enumerate(_MANDARIN_SCENARIOS)
    }
    return phones | {number: _phone(number, 0) for number in (*_FAULTY, _RETRIED)}


_PHONES: Final = _people()


@dataclass
class Run:
    """What one eventful run left behind, everywhere."""

    system: System
    ear: Eavesdropper
    pages: dict[str, str]
    #: For what the broker may not hold, and for what nothing else may.
    of_the_broker: scan.Scanner
    of_the_rest: scan.Scanner


def _settings(broker_url: str, flower_port: int) -> dict[str, str]:
    pace = '{"first_after": 0.3, "steps": [[20, 0.4]], "then": 1, "jitter": 0.1}'
    each = {"TOTAL_TIMEOUT": "3", "READ_TIMEOUT": "3", "CONNECT_TIMEOUT": "3", "POLL": pace,
            "BREAKER_FAILURES": "1000"}  # fmt: skip
    return {
        "REDIS_URL": broker_url,
        "UPRID_LOG_LEVEL": "DEBUG",
        "FLOWER_PORT": str(flower_port),
        "FLOWER_BASIC_AUTH": f"oncall:{_PASSWORDS['flower']}",
        "UPRID_NPD__SETTLE_OVER": "1",
        **{f"UPRID_{name.upper()}": value for name, value in _CREDENTIALS.items()},
        **{
            f"UPRID_{provider}__{name}": value
            for provider in ("NPD", "MANDARIN", "INTELLECTMONEY")
            for name, value in each.items()
        },
    }


def _options(notify_url: str) -> dict[str, str]:
    """Return what the sandbox must know of the settings."""
    given = {name.replace("__", "_"): value for name, value in _CREDENTIALS.items()}
    del given["moneta_password"]
    return {**given, "notify_url": notify_url}


@pytest.fixture(scope="module")
def run(both_urls: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Everything that can happen to a message, with people whose data must stay hidden."""
    directory = tmp_path_factory.mktemp("privacy-providers")
    port = free_port()
    database = both_urls.replace("uprid@", f"uprid:{_PASSWORDS['database']}@")
    with valkey_server() as broker:
        settings = _settings(guarded(broker, _PASSWORDS["broker"]), port)
        with (
            system(directory, broker, database, settings, every_provider=True) as whole,
            WebAddress(settings["REDIS_URL"], SEAL_KEY) as web,
        ):
            whole.start_sandbox(
                0.5,
                60,
                password=_PASSWORDS["moneta__password"],
                options=_options(web.url),
            )
            whole.start("flower")
            with Eavesdropper(settings["REDIS_URL"]) as ear:
                whole.start("worker", "poller", "beat")
                whole.wait_until_started("worker", "poller")
                password = _PASSWORDS["flower"]
                wait_until(
                    lambda: flower_hears(port, password, workers=2), 40, "Flower", interval=0.2
                )
                _live(whole, web)
                ids = whole.marketplace.sent
                pages = flower_pages(port, _PASSWORDS["flower"], ids, [_CONTROL])
            sealed, everything = _secrets(whole, web)
            yield Run(whole, ear, pages, scan.Scanner(sealed), scan.Scanner(everything))


def _secrets(
    whole: System, web: WebAddress
) -> tuple[Mapping[str, scan.Secret], Mapping[str, scan.Secret]]:
    """Return what the broker may not hold, and what nothing else may."""
    sealed = {name: scan.text(value) for name, value in _PASSWORDS.items()} | _ANSWERED
    for number, phone in _PHONES.items():
        sealed |= _secrets_of(number, phone)
    sealed |= {f"code-{code}": scan.number(code) for code in _CODES}
    accounts = {
        str(letter["mntAccountId"])
        for phone in _PHONES.values()
        for letter in web.letters(phone)
        if "mntAccountId" in letter
    }
    assert len(accounts) >= 3
    sealed |= {f"account-{account}": scan.short_number(account) for account in accounts}
    [(token,)] = whole.rows("SELECT sealed FROM access_token WHERE name = 'intellectmoney'")
    sealed["user-token"] = scan.text(whole.marketplace.unseal(token).decode())
    sealed["control"] = scan.text(_CONTROL)
    mistaken = _secrets_of(_MISTAKEN, _phone(_MISTAKEN, 0))
    return sealed, sealed | mistaken | {"clear-code": scan.number(_CLEAR_CODE)}


def _live(whole: System, web: WebAddress) -> None:
    shop = whole.marketplace
    references = [*_start_npd(shop), *_start_mandarin(shop), *_start_intellectmoney(shop)]
    _send_faulty(shop)
    _send_mistaken(shop, web)
    mandarin = [each for each in references if each.startswith("privacy-mandarin-")]
    # Those whose start was taken are asked for a code; the right one comes after a wrong one.
    started = [f"privacy-mandarin-{scenario}" for scenario in (0, 3, 100, 700, 706, 709, 713)]
    shop.wait_for(started, [INPUT_REQUIRED], timeout=60)
    for number, (reference, code) in enumerate(zip(mandarin, _CODES, strict=True)):
        phone = _PHONES[_FIRST_MANDARIN + number]
        for each in (code, right_code(phone)):
            shop.send(CODE, "mandarin", reference=reference, sealed=shop.seal({"sms_code": each}))
    lasting = {f"privacy-mandarin-{scenario}" for scenario in _LASTING}
    shop.wait_for(set(references) - lasting, ENDS | {WAITING}, timeout=90)
    retried = npd_person(_RETRIED, _PHONES[_FIRST_NPD + _NPD_SCENARIOS.index(400)])
    sealed = shop.seal(retried)
    shop.send(RETRY, "operations", reference="privacy-npd-400", attempt=1, by="me", note="",
              sealed=sealed)  # fmt: skip
    shop.wait_for([_CONTROL], timeout=60)
    again = "privacy-npd-400"
    wait_until(lambda: len(shop.told(ENDS)[again]) == 2, 60, "the second attempt")


def _start_npd(shop: Marketplace) -> list[str]:
    references = []
    for n, scenario in enumerate(_NPD_SCENARIOS):
        number = _FIRST_NPD + n
        references.append(f"privacy-npd-{scenario}")
        sealed = shop.seal(npd_person(number, _PHONES[number]))
        shop.send(NPD, "npd", reference=references[-1], sealed=sealed)
    return references


def _start_mandarin(shop: Marketplace) -> list[str]:
    references = []
    for n, scenario in enumerate(_MANDARIN_SCENARIOS):
        number = _FIRST_MANDARIN + n
        references.append(f"privacy-mandarin-{scenario}")
        given = mandarin_person(number, _PHONES[number], "inn" if n % 2 else "snils")
        sealed = shop.seal(given)
        shop.send(MANDARIN, "mandarin", reference=references[-1], sealed=sealed)
    return references


def _start_intellectmoney(shop: Marketplace) -> list[str]:
    queue = "intellectmoney"
    eshops = {f"privacy-invoices-{eshop}": eshop for eshop in (12_000, 6_300, 3_310, 3_410, 3_404)}
    for reference, eshop in eshops.items():
        filters = {"eshop_id": eshop, "include_payment_transactions": True, "page_size": 3}
        shop.send(INVOICES, queue, reference=reference, filters=filters)
    objects = {f"privacy-save-{each}": each for each in (9_002_500, 9_002_530, 9_002_540)}
    for reference, object_id in objects.items():
        operation = scheduled_change(object_id)
        shop.send(SAVE_SCHEDULED, queue, reference=reference, operation=operation)
    shop.send(LIST_SCHEDULED, queue, reference=_CONTROL, filters={"object_id": 9_002_600})
    return [*eshops, *objects, _CONTROL]


def _send_faulty(shop: Marketplace) -> None:
    """Send what is refused, each with a value that is a person's."""
    one, two, three, four = (npd_person(number, _PHONES[number]) for number in _FAULTY)
    faulty: list[Payload] = [
        {**one, "snils": one["snils"][:-2] + "??"},
        {**two, two["last_name"]: "x"},
        {**three, "passport": {**three["passport"], "number": three["passport"]["number"] + "1"}},
        {**four, "phone": four["phone"] + "9"},
    ]
    for n, payload in enumerate(faulty):
        shop.send(NPD, "npd", reference=f"faulty-npd-{n}", sealed=shop.seal(payload))
        shop.send(MANDARIN, "mandarin", reference=f"faulty-m-{n}", sealed=shop.seal(payload))
        shop.send(NOTIFICATION, "npd", sealed=shop.seal(payload))
    for code in (f"{_CODES[0]}x", [_CODES[1]]):
        sealed = shop.seal({"sms_code": code})
        shop.send(CODE, "mandarin", reference="privacy-mandarin-0", sealed=sealed)


def _send_mistaken(shop: Marketplace, web: WebAddress) -> None:
    """Send a person in clear, in every place where a message has one."""
    phone = _phone(_MISTAKEN, 0)
    clear = npd_person(_MISTAKEN, phone)
    shop.send(NPD, "npd", reference="clear-1", payload=clear)
    shop.send(NPD, "npd", reference="clear-2", sealed=clear)
    flat: dict[str, Any] = {"reference": "clear-3", **mandarin_person(_MISTAKEN, phone)}
    shop.send(MANDARIN, "mandarin", **flat)
    shop.send(MANDARIN, "mandarin", args=(clear, phone))
    shop.send(CODE, "mandarin", reference="clear-4", sms_code=_CLEAR_CODE)
    shop.send(CODE, "mandarin", reference="clear-5", sealed={"sms_code": _CLEAR_CODE})
    letter: dict[str, Any] = {"userPhone": phone, "upridAsyncId": 7, "mntAccountId": clear["snils"]}
    shop.send(NOTIFICATION, "npd", **letter)
    filters = {"owner": clear["last_name"], clear["first_name"]: phone, "eshop_id": phone}
    shop.send(INVOICES, "intellectmoney", reference="clear-6", filters=filters)
    operation = scheduled_change(1, repeat_plan=clear["last_name"], params=clear["first_name"])
    shop.send(SAVE_SCHEDULED, "intellectmoney", reference="clear-7", operation=operation)
    shop.send("tasks.npd.advance", "npd.chunks", payload=clear)
    assert not web.letters(phone)


pytestmark = pytest.mark.slow


def test_broker_never_holds_a_secret(run: Run) -> None:
    assert run.of_the_broker.found(run.ear.keyspace) == {"control"}
    assert run.ear.rounds > 20


def test_broker_is_never_given_a_secret(run: Run) -> None:
    assert run.of_the_broker.found(run.ear.passed) == {"control"}


def test_search_finds_whom_a_sender_put_in_clear(run: Run) -> None:
    # Or nothing would be found where there is something.
    found = run.of_the_rest.found(run.ear.passed)

    assert {f"person-{_MISTAKEN}.{name}" for name in ("last_name", "snils", "phone")} <= found
    assert "clear-code" in found


def test_database_holds_no_secret(run: Run) -> None:
    assert run.of_the_rest.found(dump(run.system)) == {"control"}


def test_logs_hold_no_secret(run: Run) -> None:
    for name, log in run.system.logs().items():
        assert run.of_the_rest.found(log) - {"control"} == set(), name

    assert "control" in run.of_the_rest.found("\n".join(run.system.logs().values()))


def test_flower_shows_no_secret(run: Run) -> None:
    for path, page in run.pages.items():
        assert run.of_the_rest.found(page) - {"control"} == set(), path

    assert "control" in run.of_the_rest.found(run.pages["/api/tasks?limit=10000"])


def test_events_hold_no_secret(run: Run) -> None:
    events = run.system.marketplace.events()
    told = "\n".join(json.dumps(dict(event.fields)) for event in events)

    assert run.of_the_rest.found(told) == {"control"}


def test_sealed_answers_hold_what_nothing_else_holds(run: Run) -> None:
    shop = run.system.marketplace
    ends = {
        event.subject: event.data.get("sealed")
        for event in shop.events()
        if event.type in ENDS | {WAITING}
    }

    opened = {name: shop.unseal(token) for name, token in ends.items() if token}

    notified = run.of_the_rest.found(opened["privacy-npd-0"])
    assert any(name.startswith("account-") for name in notified)
    assert "mandarin-error" in run.of_the_rest.found(opened["privacy-mandarin-100"])


def test_command_line_shows_no_secret(run: Run) -> None:
    references = (
        "privacy-npd-0", "privacy-mandarin-0", "privacy-mandarin-100", "privacy-invoices-12000",
        "privacy-save-9002540", "faulty-npd-1",
    )  # fmt: skip
    shown = "\n".join(run.system.shown(reference) for reference in references)

    assert run.of_the_rest.found(shown) == set()
