"""A progress bar on standard error, and lines that are said while it stands there."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress


@contextmanager
def progress_bar(name: str, total: int | None, done: int = 0, hidden: bool = False) -> Iterator[Bar]:
    """Show a bar while standard error is a terminal.  total: None where nobody knows.  hidden: show none."""
    console = Console(stderr=True)
    seen = sys.stderr is not None and sys.stderr.isatty()
    with Progress(console=console, transient=True, disable=hidden or not seen) as progress:
        task = progress.add_task(name, total=total, completed=done)
        yield Bar(console, lambda count: progress.advance(task, count))


class Bar:
    """What the work tells its audience."""

    def __init__(self, console: Console, advance: Callable[[int], None]) -> None:
        self._console = console
        self.advance = advance
        """Call it with the number of items that were done."""

    def say(self, text: str) -> None:
        """Print a line above the bar."""
        self._console.print(text, markup=False, highlight=False, emoji=False, soft_wrap=True)

    def complain(self, error: Exception) -> None:
        """Print an error as the command line does."""
        self.say(f"Error: {error}")
