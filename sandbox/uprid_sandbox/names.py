"""How people's names are written: a guess, and the strictest that every provider surely takes."""

import re
from typing import Final

_WORD: Final = r"(?:[^\W\d_]|[.'-])+"
#: No blank but the space, one at a time and none at the ends; no dash but the hyphen.
NAME: Final = rf"(?=.*[^\W\d_]){_WORD}(?: {_WORD})*"
is_name: Final = re.compile(NAME).fullmatch
