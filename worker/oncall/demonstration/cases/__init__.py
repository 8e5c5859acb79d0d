"""The demo's messages and the expected events: a file of data for each provider."""

from collections.abc import Mapping
from typing import Final

from config.queues import Provider
from worker.oncall.demonstration.cases.intellectmoney import INTELLECTMONEY
from worker.oncall.demonstration.cases.mandarin import MANDARIN
from worker.oncall.demonstration.cases.moneta import MONETA
from worker.oncall.demonstration.cases.npd import NPD
from worker.oncall.demonstration.cases.shape import Play

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
