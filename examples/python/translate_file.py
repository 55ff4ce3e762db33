"""Translate a file line by line.

    python examples/python/translate_file.py numbers.rfa words.txt zahlen.txt

`rfa-run numbers.rfa --input words.txt --output zahlen.txt` does the same, and goes on where it was stopped.
"""

from __future__ import annotations

import sys
from pathlib import Path

from rfa_runtime import SearchConfig, Translator

LINES_AT_ONCE = 16


def main() -> None:
    """Write a translation for every line."""
    bundle, source, target = map(Path, sys.argv[1:])
    translator = Translator(bundle)
    beams = SearchConfig(beam=4)
    texts = source.read_text(encoding="utf-8").splitlines()
    with target.open("w", encoding="utf-8") as answers:
        for start in range(0, len(texts), LINES_AT_ONCE):
            for found in translator.translate_batch(texts[start : start + LINES_AT_ONCE], beams):
                print(found.text, file=answers)


if __name__ == "__main__":
    main()
