"""Sealing: what is personal is a Fernet token wherever it is stored or carried."""

import json
from collections.abc import Iterable, Sequence
from typing import Any, Final, Protocol, Self

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from pydantic import SecretStr

from uprid_client.errors import Unsealable

#: A sealed value larger than this is refused unopened. Bytes of token.
LARGEST_CIPHERTEXT: Final = 4 * 1024 * 1024


class HasSealKeys(Protocol):
    """Settings with the keys, the first of which seals."""

    @property
    def seal_keys(self) -> Sequence[SecretStr]:
        """Return Fernet keys."""


class Sealer:
    """Seals with the first key and opens with any of them."""

    def __init__(self, keys: Iterable[str]) -> None:
        self._fernet = MultiFernet([Fernet(key) for key in keys])

    @classmethod
    def of(cls, settings: HasSealKeys) -> Self:
        """Return the sealer under the keys of the settings."""
        return cls(key.get_secret_value() for key in settings.seal_keys)

    def seal(self, value: object) -> str:
        """Return a token over the value's UTF-8 JSON."""
        return self.seal_bytes(json.dumps(value, ensure_ascii=False).encode())

    def seal_bytes(self, content: bytes) -> str:
        """Return a token over these very bytes."""
        return self._fernet.encrypt(content).decode("ascii")

    def open(self, ciphertext: str) -> Any:  # noqa: ANN401 - any JSON may be sealed
        """Return the JSON value that was sealed; raise `Unsealable` where it does not open.

        One that gives a name twice does not open: which of the two counts is not known.
        """
        try:
            # Given bytes, `json` guesses the encoding, and lets half characters through.
            text = self.open_bytes(ciphertext).decode("utf-8-sig")
            return json.loads(text, object_pairs_hook=_object)
        except (ValueError, RecursionError):
            raise Unsealable from None

    def open_bytes(self, ciphertext: str) -> bytes:
        """Return the bytes that were sealed; raise `Unsealable` where they do not open."""
        if len(ciphertext) > LARGEST_CIPHERTEXT:
            raise Unsealable
        try:
            return self._fernet.decrypt(ciphertext.encode("ascii"))
        except (InvalidToken, UnicodeEncodeError):
            # From None: the cause's text and frames are of no use and may hold the token.
            raise Unsealable from None

    def opens(self, ciphertext: str) -> bool:
        """Return whether one of the keys opens the token."""
        try:
            self.open_bytes(ciphertext)
        except Unsealable:
            return False
        return True


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError
    return made


def new_key() -> str:
    """Return a fresh key for `UPRID_SEAL_KEYS`."""
    return Fernet.generate_key().decode("ascii")
