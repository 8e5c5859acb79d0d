"""Replies in which no provider's application has a part, and replies that say nothing."""

from typing import Final

from uprid_sandbox.answers import JSON_TYPE, Page, html_page

BAD_GATEWAY: Final = html_page(502, "Bad Gateway")
SERVER_ERROR: Final = html_page(500, "Internal Server Error")
UNAVAILABLE: Final = html_page(503, "Service Unavailable", {"Retry-After": "1"})
TOO_MANY: Final = html_page(429, "Too Many Requests", {"Retry-After": "1"})
WELCOME: Final = html_page(200, "Maintenance")
# Port 9 of loopback: a client that follows the redirect reaches no server.
REDIRECT: Final = html_page(302, "Found", {"Location": "http://127.0.0.1:9/"})

#: Says that it is JSON, and is no document.
GARBAGE: Final = Page(200, b"<<< \x00 >>>", JSON_TYPE)
EMPTY: Final = Page(200, b"", JSON_TYPE)
#: A good document that is no object.
LIST: Final = Page(200, b"[]", JSON_TYPE)
#: Made to hurt its reader by its depth.
DEEP: Final = Page(200, b"[" * 100_000 + b"]" * 100_000, JSON_TYPE)
