"""How the sandbox is set up."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class SandboxOptions:
    """Everything that can be chosen. Nothing is read from the environment."""

    #: On 127.0.0.1; 0 takes a free one.
    port: int = 0
    username: str = "sandbox"
    password: str = field(default="sandbox", repr=False)
    #: The merchant's own groups of units at MONETA; every unit starts in the first.
    anonymous_group_id: int = 101
    simplified_group_id: int = 102
    full_group_id: int = 103
    #: Seconds that a task stays in progress.
    delay: float = 2.0
    #: Seconds from a submit to its `expirationDate`; the real one is 700 minutes.
    task_timeout: float = 10.0
    #: Call a `callbackUrl` on loopback when its task ends; others are never called.
    callbacks: bool = False

    def __post_init__(self) -> None:
        groups = {self.anonymous_group_id, self.simplified_group_id, self.full_group_id}
        faults = []
        if len(groups) != 3:  # noqa: PLR2004 - the three of them
            faults.append("the three groups must differ")
        if not 0 <= self.port <= 65_535:  # noqa: PLR2004 - what TCP has
            faults.append("the port must be between 0 and 65535")
        if self.delay < 0 or self.task_timeout <= 0:
            faults.append("the delay must not be negative and the task timeout must be positive")
        if faults:
            raise ValueError("; ".join(faults))
