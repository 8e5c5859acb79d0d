"""A promise was broken."""


class Violation(BaseException):
    """An invariant does not hold. A BaseException, so that no `except Exception` catches it."""

    def __init__(self, invariant: str, detail: object) -> None:
        super().__init__(f"{invariant}: {detail}")
        self.invariant = invariant


def require(holds: object, invariant: str, *detail: object) -> None:
    """Raise `Violation` if the condition is false."""
    if not holds:
        raise Violation(invariant, " ".join(map(str, detail)))
