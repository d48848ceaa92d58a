# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What is printed, cleaned: names, metrics and answers are other people's text, and a terminal obeys escape sequences.

Commands print by `say` or by a console of `make_console`, and by nothing else.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

# Control characters but line feed and tab, marks that reorder what is shown, and what UTF-8 cannot say.
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")

#: More columns than any table needs.
_UNBOUNDED = 10_000


def clean(text: str) -> str:
    r"""Return text with what a terminal would obey written out.

    Example:
        >>> clean("a\x1b[31mb")
        'a\\x1b[31mb'
    """
    return _UNSAFE.sub(lambda match: ascii(match[0])[1:-1], text)


def say(*values: object, error: bool = False, end: str = "\n") -> None:
    """Print values as ``print`` does, cleaned, and at once.

    Args:
        values: What to print.
        error: Whether to standard error.
        end: What follows.

    Raises:
        SystemExit: Nobody reads any more, as after ``| head``: with status 1, as rich ends.
    """
    stream = sys.stderr if error else sys.stdout
    try:
        print(*(clean(str(value)) for value in values), end=end, file=stream, flush=True)
    except BrokenPipeError:
        # What is left in the buffer would be a traceback at Python's end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        raise SystemExit(1) from None


def make_console(**options: Any) -> Console:
    """Return a console of rich that cleans what it prints, and in which brackets are no markup.

    In a file or a pipe nothing is cut or folded for the width of a terminal that there is none of, unless COLUMNS says
    how wide it is.

    Args:
        options: Of ``rich.console.Console``.
    """
    # Imported here: errors are printed by commands that need no tables.
    from rich.console import Console, ConsoleOptions, RenderableType
    from rich.segment import Segment

    class CleaningConsole(Console):
        def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
            for segment in super().render(renderable, options):
                text = segment.text if segment.control else clean(segment.text)
                yield segment if text == segment.text else Segment(text, segment.style)

    console = CleaningConsole(markup=False, emoji=False, **options)
    if not (console.is_terminal or console.is_jupyter or "width" in options or os.environ.get("COLUMNS")):
        console.width = _UNBOUNDED
    return console
