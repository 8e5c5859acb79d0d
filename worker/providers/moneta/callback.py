"""MONETA's callback: it names a task, and nothing in it proves who sent it."""

from typing import Final

from uprid_client.contract.moneta import ReceiveCallback
from uprid_client.names import Provider
from worker.providers.incoming import ExpectedCallback

#: What `tasks.moneta.receive_callback` takes.
CALLBACK: Final = ExpectedCallback(Provider.MONETA, ReceiveCallback, "async_id")
