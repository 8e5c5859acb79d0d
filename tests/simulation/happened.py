"""For each kind of fault a seed in which it happens; `./run simulate --seeds 300` prints the first.

To be found anew whenever the simulation itself changes: its seeds tell other stories then.
"""

from typing import Final

HAPPENS: Final[dict[str, int]] = {}
