"""What is counted of eshops and objects."""

from uprid_sandbox.calls import Tallies, tallies

#: A registry's page: asked for, and answered whole with its invoices, each by its Skip.
ASKED = "asked"
ANSWERED = "answered"
#: Of an object: writes that arrived, and what became of them; lists asked for and answered.
WRITES = "writes"
CREATED = "created"
EDITED = "edited"
LISTS = "lists"
LISTED = "listed"


def registry_log() -> Tallies:
    """Return a log over `eshop:ID` and `object:ID`."""
    return tallies(ASKED, ANSWERED, WRITES, CREATED, EDITED, LISTS, LISTED)
