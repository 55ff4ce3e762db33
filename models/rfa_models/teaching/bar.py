"""The progress bar of a conversion."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn


def bar(console: Console, title: str) -> Progress:
    """A bar with the time left; none where nobody looks."""
    return Progress(
        TextColumn(title),
        BarColumn(),
        TextColumn("{task.percentage:3.0f}% {task.description}"),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
    )
