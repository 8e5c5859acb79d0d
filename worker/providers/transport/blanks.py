"""Byte order marks and blanks before a reply, which have no meaning.

A page that a host puts together of several files may begin with some of both.
"""

import re
from typing import Final

BOM: Final = b"\xef\xbb\xbf"
_BEFORE: Final = re.compile(rb"(?:\xef\xbb\xbf|[ \t\r\n])+")


def bare(reply: bytes) -> bytes:
    """Return a reply without the UTF-8 byte order marks and JSON blanks that it begins with.

    What stands behind it is the parser's to judge: blanks are nothing to any of them, all else
    makes it unreadable.
    """
    before = _BEFORE.match(reply)
    return reply if before is None else reply[before.end() :]


def bare_xml(reply: bytes) -> bytes:
    """Return the same of XML, where one byte order mark has a meaning.

    It outweighs the encoding that a document declares, so that one is left where one was. What
    begins with a byte order mark of UTF-16 is left as it is.
    """
    content = bare(reply)
    if len(content) == len(reply) or not content.startswith(b"<"):
        return reply
    return BOM + content if BOM in reply[: len(reply) - len(content)] else content
