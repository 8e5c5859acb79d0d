"""The seed that was first found to see each mutation, and the invariant that speaks.

Found by `./run simulate --mutation all`; to be found anew whenever the simulation itself changes:
its seeds tell other stories then.
"""

from typing import Final

CAUGHT: Final[dict[str, tuple[int, str]]] = {
    "skip-the-fence": (80, "state and event are written together"),
    "forget-the-outbox": (0, "state and event are written together"),
    "mark-before-publish": (17, "a marker speaks of a message"),
    "trust-the-marker": (9, "what is due is worked on in seconds"),
    "free-no-leases": (0, "no lease is held for ever"),
    "abandon-nothing": (21, "no lease is held for ever"),
    "submit-unmarked": (0, "what costs is done once"),
    "submit-again-in-doubt": (5, "what costs is done once"),
    "supply-unmarked": (21, "no poll before its time"),
    "take-every-message": (0, "state and event are written together"),
    "tell-after-marking": (0, "everything is told"),
    "trust-the-stream": (15, "everything is told"),
    "append-every-time": (0, "an event is on the stream once"),
    "claim-what-is-not-due": (0, "only what is due is claimed"),
    "park-no-poison": (0, "poison waits for a person"),
    "never-open-the-breaker": (5, "a sick provider is left alone"),
    "ignore-the-rate": (11, "the rate is never exceeded"),
    # Looked for among plans of a low rate and processes that stand still.
    "give-tokens-back-twice": (1185, "the rate is never exceeded"),
}
