"""A request that is not what its method takes."""


class Violation(Exception):
    """Names a parameter and the rule; never what was sent: the client may log it."""

    def __init__(self, parameter: str, rule: str) -> None:
        super().__init__(f"{parameter}: {rule}")
