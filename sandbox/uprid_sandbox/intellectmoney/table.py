"""All scenarios in one table: no two of them share a number."""

from typing import Final

from uprid_sandbox.intellectmoney.eshops import ESHOPS
from uprid_sandbox.intellectmoney.logins import LOGINS
from uprid_sandbox.intellectmoney.objects import OBJECTS
from uprid_sandbox.intellectmoney.scenarios import Eshop, Login, Object

SCENARIOS: Final[dict[int, Eshop | Object | Login]] = {**ESHOPS, **OBJECTS, **LOGINS}
