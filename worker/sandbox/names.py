"""How people's names are written: a guess, and the strictest that every provider surely takes."""

import re
from typing import Final

_LETTER: Final = r"[^\W\d_]"
#: Letters, and single signs between them: no blank but the space, no dash but the hyphen.
NAME: Final = rf"{_LETTER}(?:[ .'-]{{0,2}}{_LETTER})*\.?"
is_name: Final = re.compile(NAME).fullmatch
