"""Stop strings in a stream of text, whatever pieces it comes in."""

from __future__ import annotations

from collections.abc import Sequence

from rfa_runtime.errors import OptionError


class StopStrings:
    """Lets text through up to the first stop string, and never a part of one."""

    def __init__(self, stops: Sequence[str]) -> None:
        if isinstance(stops, str) or not all(isinstance(stop, str) and stop for stop in stops):
            raise OptionError(f"stop is {stops!r}, wanted a list of strings that are not empty")
        self._stops = tuple(stops)
        self._held = ""
        self.found = False
        """Whether a stop string has come: nothing follows it."""

    def push(self, piece: str) -> str:
        """Take the next piece of text, return what may be shown."""
        text = self._held + piece
        # The one that is complete first counts, as if each character came alone.
        found = [(text.find(stop) + len(stop), text.find(stop)) for stop in self._stops if stop in text]
        if found:
            self.found, self._held = True, ""
            return text[: min(found)[1]]
        shown = len(text) - self._beginning_at_end(text)
        self._held = text[shown:]
        return text[:shown]

    def flush(self) -> str:
        """Return what was held back, when no more text comes."""
        text, self._held = self._held, ""
        return text

    def _beginning_at_end(self, text: str) -> int:
        """Length of the longest end of the text that a stop string begins with."""
        return max(
            (
                length
                for stop in self._stops
                for length in range(min(len(stop) - 1, len(text)), 0, -1)
                if text.endswith(stop[:length])
            ),
            default=0,
        )
