"""Write src/unicode_ranges.inc: which characters are letters, numbers and spaces to Hugging Face's tokenizers.

The library is asked itself, character by character: its tables are of another version of Unicode than Python's.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from tokenizers import Regex, pre_tokenizers

FILE = Path(__file__).parent / "src" / "unicode_ranges.inc"
KINDS = {"kLetters": r"\p{L}", "kNumbers": r"\p{N}", "kSpaces": r"\s"}
SURROGATES = range(0xD800, 0xE000)
PART = 1 << 12
"""Characters that are asked for at once."""


def main() -> None:
    """Write the file."""
    lines = ["// Written by make_unicode.py: the first and the last character of each range.\n"]
    for name, pattern in KINDS.items():
        lines.append(f"constexpr Range {name}[] = {{\n")
        lines += [f"    {{{first:#x}, {last:#x}}},\n" for first, last in ranges(pattern)]
        lines.append("};\n")
    FILE.write_text("".join(lines), encoding="ascii")


def ranges(pattern: str) -> Iterator[tuple[int, int]]:
    """The ranges of characters that a pattern matches."""
    first = last = -2
    for code in matching(pattern):
        if code != last + 1:
            if last >= 0:
                yield first, last
            first = code
        last = code
    yield first, last


def matching(pattern: str) -> Iterator[int]:
    """The characters that a pattern matches, in order."""
    split = pre_tokenizers.Split(Regex(pattern), "removed")
    for start in range(0, sys.maxunicode + 1, PART):
        codes = [code for code in range(start, start + PART) if code not in SURROGATES]
        if not codes:
            continue
        text = "".join(map(chr, codes))
        kept = set("".join(piece for piece, _ in split.pre_tokenize_str(text)))
        yield from (code for code in codes if chr(code) not in kept)


if __name__ == "__main__":
    main()
