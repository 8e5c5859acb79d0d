"""The provider's real interface of June 2022, which lies beside the project and not in it."""

from pathlib import Path

import pytest
from lxml import etree

ROOT = Path(__file__).resolve().parents[3]
WSDL = ROOT.parent / "shared" / "sources" / "moneta-merchant-api-2022.wsdl"
SCHEMA = "{http://www.w3.org/2001/XMLSchema}schema"


def real_schema() -> etree.XMLSchema:
    """Compile the schema inside the interface; skip, and say so, where it is not there."""
    if not WSDL.exists():
        pytest.skip(f"the real interface is not at {WSDL}: nothing was compared with it")
    inside = etree.parse(str(WSDL)).find(f".//{SCHEMA}")
    assert inside is not None
    return etree.XMLSchema(etree.fromstring(etree.tostring(inside)))
