"""Settings for the chaos run: everything ends within seconds and leaves CPU for the rest."""

import json
from datetime import timedelta
from typing import Any, Final

from uprid_client.names import Provider

#: Short, so that what a killed process held is delivered again during the run.
VISIBILITY_TIMEOUT: Final = timedelta(seconds=60)

#: The sandbox's options: seconds that a task is in progress, and seconds until it expires.
OPTIONS: Final[dict[str, Any]] = {"delay": 2.0, "task_timeout": 20.0}

#: Requests a second: enough for the usual load, not enough for what collects in an outage.
_RATES: Final = {
    Provider.MONETA: 40,
    Provider.NPD: 20,
    Provider.MANDARIN: 25,
    Provider.INTELLECTMONEY: 25,
}
_POLL: Final = json.dumps({"first_after": 1.5, "steps": [[4, 2]], "then": 4, "jitter": 0.1})
_EACH: Final = {
    "POLL": _POLL,
    "CONNECT_TIMEOUT": "3",
    "READ_TIMEOUT": "3",
    "TOTAL_TIMEOUT": "3",
    "BREAKER_FAILURES": "5",
    "BREAKER_RESET": "2",
}
SETTINGS: Final = {
    "UPRID_ENGINE__SLOT": "",
    "UPRID_ENGINE__MAX_COUNTDOWN": "20",
    "UPRID_ENGINE__VISIBILITY_TIMEOUT": str(VISIBILITY_TIMEOUT.total_seconds()),
    **{
        f"UPRID_{provider.upper()}__{name}": value
        for provider, rate in _RATES.items()
        for name, value in {**_EACH, "RATE_PER_SECOND": str(rate)}.items()
    },
    "UPRID_MONETA__SETTLE_OVER": "2",
    "UPRID_NPD__SETTLE_OVER": "2",
    # A session whose code was lost ends at this deadline, and the run waits for it.
    "UPRID_MANDARIN__DEADLINE": "60",
    "UPRID_INTELLECTMONEY__DEADLINE": "240",
}
