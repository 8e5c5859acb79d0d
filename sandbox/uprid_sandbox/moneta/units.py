"""The units: what each holds and where it stands. In memory only."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from uprid_sandbox.moneta.acts import IDENTIFIED, Group
from uprid_sandbox.moneta.forms import PASSPORT
from uprid_sandbox.moneta.requests import PersonalData

#: What a unit is taken to hold that is identified by its stored data and was never sent any.
#: An invented person; INN and SNILS have right check digits.
_SAMPLE: Final = PersonalData(
    profile={
        "last_name": "Образцов",
        "first_name": "Пример",
        "middle_initial_name": "Тестович",
        "cell_phone": "79000000000",
        "date_of_birth": "1990-01-31",
        "snils": "112-233-445 95",
        "inn": "501716749325",
    },
    document={"series": "0000", "number": "000000", "issued": "2010-02-28"},
    document_type=PASSPORT,
)
_NAMES: Final = ("last_name", "first_name", "cell_phone")
_IDENTITIES: Final = ("inn", "snils", "date_of_birth")


@dataclass(slots=True)
class Unit:
    """One unit. Its data is personal: it is not shown."""

    id: int
    group: Group = Group.ANONYMOUS
    #: The provider has checked the data.
    approved: bool = False
    profile: dict[str, str] = field(default_factory=dict, repr=False)
    document: dict[str, str] = field(default_factory=dict, repr=False)
    document_type: str | None = None
    document_id: int | None = None
    submits: int = 0
    taken: int = 0
    profile_checks: int = 0

    @property
    def identified(self) -> bool:
        """Whether a further identification has no sense."""
        return self.group in IDENTIFIED

    def save(self, data: PersonalData | None) -> None:
        """Keep what was sent; nothing was sent to an empty unit: it holds the sample."""
        if data is None and not self.profile:
            data = _SAMPLE
        if data is None:
            return
        _merge(self.profile, data.profile)
        _merge(self.document, data.document)
        self.document_type = data.document_type or self.document_type
        # The number of the document is the provider's to give.
        self.document_id = data.document_id or self.document_id or 500_000 + self.id

    def fault(self) -> str | None:
        """Return the code of what stands against an identification, None where nothing does."""
        if self.document and self.document_type != PASSPORT:
            return "500.7.4"
        complete = (
            all(key in self.profile for key in _NAMES)
            and any(key in self.profile for key in _IDENTITIES)
            and {"series", "number"} <= self.document.keys()
        )
        return None if complete else "500.7.6"


def _merge(held: dict[str, str], sent: Mapping[str, str | None]) -> None:
    for key, value in sent.items():
        if value is None:
            held.pop(key, None)
        else:
            held[key] = value
