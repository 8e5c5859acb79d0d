"""The demo's messages and the expected events: a file of data for each provider."""

from collections.abc import Mapping
from typing import Final

from uprid_client.names import Provider
from worker.local.demo.cases.intellectmoney import INTELLECTMONEY
from worker.local.demo.cases.mandarin import MANDARIN
from worker.local.demo.cases.moneta import MONETA
from worker.local.demo.cases.npd import NPD
from worker.local.demo.cases.shape import Play

#: In the order in which they are shown.
PLAYS: Final[Mapping[Provider, Play]] = {
    Provider.MONETA: MONETA,
    Provider.MANDARIN: MANDARIN,
    Provider.NPD: NPD,
    Provider.INTELLECTMONEY: INTELLECTMONEY,
}

PROVIDER_OF: Final[Mapping[str, Provider]] = {
    reference: provider for provider, play in PLAYS.items() for reference in play.references
}
