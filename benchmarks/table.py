"""The printed table: plain columns that a note can quote."""

import sys
from collections.abc import Sequence


def show(title: str, head: Sequence[str], lines: Sequence[Sequence[str]]) -> None:
    """Print a title and columns, the first to the left, the others to the right."""
    columns = list(zip(head, *lines, strict=True))
    widths = [max(len(cell) for cell in column) for column in columns]
    print(f"\n{title}")
    for cells in (head, *lines):
        first, *others = (
            f"{cell:<{width}}" if place == 0 else f"{cell:>{width}}"
            for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
        )
        print("  ".join((first, *others)).rstrip())


def progress(text: str) -> None:
    """Print what is being done."""
    print(f"... {text}", file=sys.stderr, flush=True)
