"""All scenarios in one table: no two of them share a number."""

from typing import Final

from worker.sandbox.intellectmoney.eshops import ESHOPS
from worker.sandbox.intellectmoney.logins import LOGINS
from worker.sandbox.intellectmoney.objects import OBJECTS
from worker.sandbox.intellectmoney.scenarios import Eshop, Login, Object

SCENARIOS: Final[dict[int, Eshop | Object | Login]] = {**ESHOPS, **OBJECTS, **LOGINS}
