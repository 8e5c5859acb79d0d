"""How large a message becomes in the broker, before it is sent."""

from collections.abc import Mapping
from json import dumps
from typing import Any, Final

from uprid_client.errors import MessageTooLarge
from uprid_client.names import LARGEST_MESSAGE

#: Bytes for all that stands around the arguments.
_AROUND: Final = 8 * 1024


def require_sendable(arguments: Mapping[str, Any]) -> None:
    """Raise `MessageTooLarge` where no worker would take a message with these arguments."""
    # In base64, as it lies in the broker.
    size = len(dumps(arguments)) * 4 // 3
    most = LARGEST_MESSAGE - _AROUND
    if size <= most:
        return
    sizes = {name: len(dumps(value)) * 4 // 3 for name, value in arguments.items()}
    largest = max(sizes, key=sizes.__getitem__)
    raise MessageTooLarge(
        f"{largest}: has {sizes[largest]} bytes, all arguments together {size}:"
        f" a message takes {most}. Give less."
    )
