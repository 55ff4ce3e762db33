"""A progress bar on standard error, and lines that are said while it stands there."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext

from rich.console import Console
from rich.progress import Progress


@contextmanager
def progress_bar(name: str, total: int | None, done: int = 0, hidden: bool = False) -> Iterator[Bar]:
    """Show a bar while standard error is a terminal.  total: None where nobody knows.  hidden: show none."""
    console = Console(stderr=True)
    seen = sys.stderr is not None and sys.stderr.isatty()
    progress = Progress(console=console, transient=True)
    task = progress.add_task(name, total=total, completed=done)
    # A bar that nobody sees is not started: before 14.3 rich ends even a disabled one with an empty line.
    with progress if seen and not hidden else nullcontext():
        yield Bar(
            console,
            lambda count: progress.advance(task, count),
            lambda completed, whole: progress.update(task, completed=completed, total=whole),
        )


class Bar:
    """What the work tells its audience."""

    def __init__(self, console: Console, advance: Callable[[int], None], reach: Callable[[int, int], None]) -> None:
        self._console = console
        self.advance = advance
        """Call it with the number of items that were done."""
        self.reach = reach
        """Call it with the number of items that are done so far, and with that of all."""

    def say(self, text: str) -> None:
        """Print a line above the bar."""
        self._console.print(text, markup=False, highlight=False, emoji=False, soft_wrap=True)

    def complain(self, error: Exception) -> None:
        """Print an error as the command line does."""
        self.say(f"Error: {error}")
