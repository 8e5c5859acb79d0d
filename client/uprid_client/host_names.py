"""Names of hosts, as the system is asked for their addresses."""


def can_be_asked_for(name: str) -> bool:
    """Return whether a name can be looked up; for one that cannot, Python raises its own errors."""
    try:
        name.encode("idna")
    except UnicodeError:
        return False
    return True
