"""Stop strings in a stream of text, whatever pieces it comes in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rfa_runtime.errors import OptionError
from rfa_runtime.wording import Setting


class StopStrings:
    """Lets text through up to the first stop string, and never a part of one."""

    def __init__(self, stops: str | Sequence[str]) -> None:
        self._stops = stop_strings(stops)
        self._held = ""
        self.found = False
        """Whether a stop string has come: nothing follows it."""

    def push(self, piece: str) -> str:
        """Take the next piece of text, return what may be shown."""
        text = self._held + piece
        beginning = self._first_complete(text)
        if beginning is not None:
            self.found = True
            self._held = ""
            return text[:beginning]
        shown = len(text) - self._begun_at_end(text)
        self._held = text[shown:]
        return text[:shown]

    def flush(self) -> str:
        """Return what was held back, when no more text comes."""
        text = self._held
        self._held = ""
        return text

    def _first_complete(self, text: str) -> int | None:
        """Where the stop string begins that is complete first, as if each character came by itself."""
        first_end = len(text) + 1
        beginning = None
        for stop in self._stops:
            place = text.find(stop)
            end = place + len(stop)
            if place < 0 or end > first_end:
                continue
            if end < first_end or beginning is None or place < beginning:
                first_end = end
                beginning = place
        return beginning

    def _begun_at_end(self, text: str) -> int:
        """How many characters at the end of the text a stop string may begin with."""
        longest = 0
        for stop in self._stops:
            longest = max(longest, longest_beginning(stop, text))
        return longest


def longest_beginning(stop: str, text: str) -> int:
    """Length of the longest end of the text that is the beginning of a stop string, but not the whole of it."""
    for length in range(min(len(stop) - 1, len(text)), 0, -1):
        if text.endswith(stop[:length]):
            return length
    return 0


def stop_strings(stops: str | Sequence[str] | None) -> tuple[str, ...]:
    """Return stop strings as a tuple; one may come by itself.  Raises OptionError for what is no text, or empty."""
    if stops is None:
        return ()
    found = stops if isinstance(stops, Iterable) and not isinstance(stops, str) else (stops,)
    checked = tuple(found)
    for stop in checked:
        if not isinstance(stop, str) or not stop:
            raise OptionError(
                Setting("stop"), f" is {stops!r}, wanted a string, or a list of strings that are not empty"
            )
    return checked
