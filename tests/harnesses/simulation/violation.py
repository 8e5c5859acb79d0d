"""A promise that was broken."""


class Violation(BaseException):
    """An invariant does not hold. No `except Exception` of the code may swallow it."""

    def __init__(self, invariant: str, detail: object) -> None:
        super().__init__(f"{invariant}: {detail}")
        self.invariant = invariant


def require(holds: object, invariant: str, *detail: object) -> None:
    """Raise `Violation` unless it holds."""
    if not holds:
        raise Violation(invariant, " ".join(map(str, detail)))
