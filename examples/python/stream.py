"""Write a text piece by piece, as it is chosen.

    python examples/python/stream.py model.rfa "Once upon a time"

Without arguments: the small model that is inside rfa_runtime.
"""

from __future__ import annotations

import sys

from rfa_runtime import Decoder, shipped_bundle


def main() -> None:
    """Print the prompt and what follows."""
    bundle = sys.argv[1] if len(sys.argv) > 1 else shipped_bundle()
    prompt = sys.argv[2] if len(sys.argv) > 2 else "Once upon a time"
    decoder = Decoder(bundle)
    print(prompt, end="", flush=True)
    for piece in decoder.stream(prompt, max_new_tokens=100, temperature=0.8, seed=4):
        print(piece.text, end="", flush=True)
    print()


if __name__ == "__main__":
    main()
