"""The contract of one task: its arguments, and what its `sealed` holds."""

from dataclasses import dataclass

from pydantic import BaseModel

from uprid_client.contract.arguments import Arguments


@dataclass(frozen=True, slots=True)
class TaskContract:
    """The models of a task's message."""

    arguments: type[Arguments]
    #: What `sealed` holds. None: nothing is sealed, or it depends on the operation.
    payload: type[BaseModel] | None = None

    @property
    def has_reference(self) -> bool:
        """Whether the message names an operation by the marketplace's reference."""
        return "reference" in self.arguments.model_fields

    @property
    def takes_payload(self) -> bool:
        """Whether something may be sealed."""
        return "sealed" in self.arguments.model_fields

    @property
    def needs_payload(self) -> bool:
        """Whether something must be sealed."""
        return self.takes_payload and self.arguments.model_fields["sealed"].is_required()

    @property
    def in_clear(self) -> frozenset[str]:
        """The arguments that travel in clear, beside the reference."""
        return frozenset(self.arguments.model_fields) - {"reference", "sealed"}

    def is_object(self, name: str) -> bool:
        """Return whether an argument in clear is a JSON object."""
        annotation = self.arguments.model_fields[name].annotation
        return isinstance(annotation, type) and issubclass(annotation, BaseModel)
