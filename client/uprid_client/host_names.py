"""Names of hosts, as the system is asked for their addresses."""


def can_be_asked_for(name: str) -> bool:
    """Tell whether a name can be looked up at all; Python fails in its own way where it cannot."""
    try:
        name.encode("idna")
    except UnicodeError:
        return False
    return True
