"""docs/settings.md and .env.example: every setting, and no other."""

import re
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel

from config.providers import ProviderSettings
from config.settings import NESTED, PREFIX, Settings
from uprid_client.names import Provider

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "settings.md").read_text("utf-8")
EXAMPLE = (ROOT / ".env.example").read_text("utf-8")
_ALL_PROVIDERS = "…"


def _described() -> Iterator[str]:
    """Yield every variable that the tables have a row for."""
    for cell in re.findall(r"^\| (`(?:UPRID_|DATABASE_|REDIS_)[^|]*) \|", PAGE, re.MULTILINE):
        name = cell.strip("`")
        if _ALL_PROVIDERS not in name:
            yield name
            continue
        for provider in Provider:
            yield name.replace(_ALL_PROVIDERS, provider.upper())


def _set() -> Iterator[str]:
    """Yield every variable that can be set."""
    for name, field in Settings.model_fields.items():
        if field.validation_alias is not None:
            yield str(field.validation_alias)
            continue
        blocks = [t for t in _types(field.annotation) if issubclass(t, BaseModel)]
        if not blocks:
            yield f"{PREFIX}{name.upper()}"
        for block in blocks:
            for inner in block.model_fields:
                yield f"{PREFIX}{name.upper()}{NESTED}{inner.upper()}"


def _types(annotation: object) -> list[type]:
    parts = getattr(annotation, "__args__", (annotation,))
    return [part for part in parts if isinstance(part, type)]


def test_page_has_a_row_for_every_setting_and_for_no_other() -> None:
    assert sorted(_described()) == sorted(_set())


def test_example_names_every_provider_s_own_settings() -> None:
    common = {name.upper() for name in ProviderSettings.model_fields} - {"URL"}
    own = {
        name
        for name in _set()
        if any(name.startswith(f"{PREFIX}{provider.upper()}{NESTED}") for provider in Provider)
        and name.partition(NESTED)[2] not in common
    }

    assert {name for name in own if not re.search(rf"^#?{name}=", EXAMPLE, re.MULTILINE)} == set()
