"""The seed that was first found to see each mutation, and the invariant that speaks.

Found by `./run simulate --mutation all`; to be found anew whenever the simulation itself changes:
its seeds tell other stories then.
"""

from typing import Final

CAUGHT: Final[dict[str, tuple[int, str]]] = {
    "skip-the-fence": (11, "state and event are written together"),
    "forget-the-outbox": (0, "state and event are written together"),
    "mark-before-publish": (10, "a marker speaks of a message"),
    "trust-the-marker": (0, "what is due is worked on in seconds"),
    "free-no-leases": (6, "no lease is held for ever"),
    "abandon-nothing": (7, "no lease is held for ever"),
    "submit-unmarked": (10, "what costs is done once"),
    "submit-again-in-doubt": (11, "what costs is done once"),
    "supply-unmarked": (12, "no poll before its time"),
    "take-every-message": (0, "only moves of the table"),
    "tell-after-marking": (7, "the stream is in order and without gaps"),
    "trust-the-stream": (7, "everything is told"),
    "append-every-time": (3, "an event is on the stream once"),
    "claim-what-is-not-due": (0, "only what is due is claimed"),
    "park-no-poison": (6, "poison waits for a person"),
    "never-open-the-breaker": (5, "a sick provider is left alone"),
    "ignore-the-rate": (1, "the rate is never exceeded"),
    "give-tokens-back-twice": (14, "the rate is never exceeded"),
}
