"""A worker that translates with CTranslate2, greedily and to a length that is given.

Arguments: the model's folder, threads.  A line `batch source target` is answered by the seconds of translating so many
texts of so many tokens into so many tokens each.
"""

from __future__ import annotations

import sys
import time

import ctranslate2

ANY = "3"
"""A token."""


def main() -> None:
    """Answer until nobody asks any more."""
    folder, threads = sys.argv[1:]
    translator = ctranslate2.Translator(
        folder, device="cpu", compute_type="float32", inter_threads=1, intra_threads=int(threads)
    )
    print("ready", flush=True)
    for line in sys.stdin:
        batch, source, target = map(int, line.split())
        print(seconds(translator, batch, source, target), flush=True)


def seconds(translator: ctranslate2.Translator, batch: int, source: int, target: int) -> float:
    """The time of one translation."""
    texts = [[ANY] * source] * batch
    started = time.perf_counter()
    found = translator.translate_batch(
        texts, beam_size=1, max_input_length=0, min_decoding_length=target, max_decoding_length=target
    )
    taken = time.perf_counter() - started
    assert all(len(result.hypotheses[0]) == target for result in found)
    return taken


if __name__ == "__main__":
    main()
