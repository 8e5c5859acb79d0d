"""What the workers have sent beside an operation, as the database has it."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from worker.store.database import Database
from worker.store.siblings import others_of


class StoredSiblings:
    """`Siblings` of the operations in the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, operation_id: str) -> Sequence[Mapping[str, Any]]:
        """Return the `args` of each."""
        with self._database.read() as connection:
            found = others_of(connection, operation_id)
        return [json.loads(args) for args in found]
