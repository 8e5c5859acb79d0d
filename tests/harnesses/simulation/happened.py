"""For each kind of fault a seed in which it happens.

`./run simulate --seeds 300` prints the first one for each. They must be found again whenever the
simulation itself changes, because each seed then runs differently.
"""

from typing import Final

HAPPENS: Final[dict[str, int]] = {
    "attempt lost with its commit": 14,
    "call hangs": 30,
    "call never returns": 30,
    "call returns after it was given up": 73,
    "commit made and not confirmed": 0,
    "commits lost by a fail-over": 13,
    "database away": 0,
    "database read-only": 0,
    "database stands still": 0,
    "idle transaction ended by its server": 74,
    "operation put in doubt by `uprid recover`": 26,
    "statement fails: 08000": 5,
    "statement fails: 08006": 5,
    "statement fails: 08P01": 14,
    "statement fails: 22003": 43,
    "statement fails: 23514": 50,
    "statement fails: 25006": 5,
    "statement fails: 25P03": 5,
    "statement fails: 26000": 7,
    "statement fails: 40001": 10,
    "statement fails: 40P01": 7,
    "statement fails: 42501": 5,
    "statement fails: 53100": 7,
    "statement fails: 53200": 7,
    "statement fails: 53300": 17,
    "statement fails: 55P03": 2,
    "statement fails: 57014": 17,
    "statement fails: 57P01": 7,
    "statement fails: 57P03": 25,
    "statement fails: 58030": 4,
    "statement fails: DatabaseError": 7,
    "statement fails: InterfaceError": 28,
    "statement fails: InternalError": 50,
    "statement fails: NoMemory": 14,
    "statement fails: NotSupportedError": 5,
    "statement fails: OperationalError": 4,
    "statement fails: ProgrammingError": 7,
    "statement fails: Unexpected": 10,
    "statement fails: XX000": 5,
    "statement waits for a row's lock": 0,
    "statement waits for a server that stands still": 0,
    "transaction cut off by its server": 2,
    "turn handed on within a transaction": 0,
    "write refused: read-only": 0,
}
