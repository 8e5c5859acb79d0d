"""MerchantAPI in JSON."""

from collections.abc import Mapping
from typing import Any, Final, assert_never

from uprid_sandbox.answers import JSON_TYPE, Page, json_page
from uprid_sandbox.json_reading import read_json
from uprid_sandbox.moneta.acts import Nonsense
from uprid_sandbox.moneta.languages import Envelope
from uprid_sandbox.moneta.messages import Fault, Manner, Message, Reply, Written

#: Deeper than any parser's stack.
_ABYSS: Final = b"[" * 100_000


class JsonLanguage:
    """Faults come with HTTP 400, seen in recorded traffic."""

    name = "json"
    media_type = "application/json"

    def open(self, body: bytes) -> Envelope:
        """Return the credentials and the unread body, or raise `Violation`."""
        envelope = read_json(body).members("Envelope")["Envelope"].members("Header", "Body")
        security = envelope["Header"].members("Security")["Security"]
        token = security.members("UsernameToken")["UsernameToken"].members("Username", "Password")
        return Envelope(token["Username"].text(), token["Password"].text(), envelope["Body"])

    def write(self, message: Message) -> Page:
        """Return a message in its envelope."""
        match message:
            case Reply(name=name, content=content):
                return _enveloped(name, content, status=200)
            case Fault(text=text, detail=detail, manner=manner):
                name = "Fault" if Manner.OTHER_SPELLING in manner else "fault"
                content = {"detail": detail, "faultcode": "Client", "faultstring": text}
                return _enveloped(name, content, status=400)
            case _:
                assert_never(message)

    def babble(self, nonsense: Nonsense) -> Page:
        """Return what only looks like a reply."""
        match nonsense:
            case Nonsense.GARBAGE:
                return Page(200, b"\x00\xff{]", JSON_TYPE)
            case Nonsense.EMPTY:
                return Page(200, b"", JSON_TYPE)
            case Nonsense.NO_ENVELOPE:
                return json_page(200, {"status": "ok"})
            case Nonsense.HOSTILE:
                return Page(200, _ABYSS, JSON_TYPE)
            case _:
                assert_never(nonsense)


def _enveloped(name: str, content: Mapping[str, Any], status: int) -> Page:
    return json_page(status, {"Envelope": {"Body": {name: _plain(content)}}})


def _plain(value: object) -> object:
    match value:
        case Written(json=written):
            return written
        case Mapping():
            return {str(name).lstrip("@"): _plain(inner) for name, inner in value.items()}
        case list():
            return [_plain(inner) for inner in value]
        case _:
            return value
