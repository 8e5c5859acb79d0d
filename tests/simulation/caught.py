"""The seed that was first found to see each mutation, and the invariant that speaks.

Found by `./run simulate --mutation all`; to be found anew whenever the simulation itself changes:
its seeds tell other stories then.
"""

from typing import Final

CAUGHT: Final[dict[str, tuple[int, str]]] = {
    "skip-the-fence": (5, "state and event are written together"),
    "forget-the-outbox": (0, "state and event are written together"),
    "mark-before-publish": (10, "a marker speaks of a message"),
    "trust-the-marker": (7, "what is due is worked on in seconds"),
    "free-no-leases": (9, "no lease is held for ever"),
    "abandon-nothing": (66, "no lease is held for ever"),
    "submit-unmarked": (5, "what costs is done once"),
    "submit-again-in-doubt": (9, "what costs is done once"),
    "supply-unmarked": (15, "no poll before its time"),
    "take-every-message": (0, "state and event are written together"),
    "tell-after-marking": (0, "the stream is in order and without gaps"),
    "trust-the-stream": (7, "everything is told"),
    "append-every-time": (2, "an event is on the stream once"),
    "claim-what-is-not-due": (0, "only what is due is claimed"),
    "park-no-poison": (9, "poison waits for a person"),
    "never-open-the-breaker": (5, "a sick provider is left alone"),
    "ignore-the-rate": (1, "the rate is never exceeded"),
    "give-tokens-back-twice": (5, "the rate is never exceeded"),
}
