"""Continue many prompts side by side: one step of the model serves them all.

    python examples/python/batch.py model.rfa "Once" "The end"

Without arguments: the small model that is inside rfa_runtime, and three beginnings.
"""

from __future__ import annotations

import sys

from rfa_runtime import Decoder, shipped_bundle

BEGINNINGS = ["Once upon a time", "Lily", "One day, a dog"]


def main() -> None:
    """Print each prompt with its continuation, and what each text costs."""
    bundle = sys.argv[1] if len(sys.argv) > 1 else shipped_bundle()
    prompts = sys.argv[2:] or BEGINNINGS
    found = Decoder(bundle).generate_batch(prompts, max_new_tokens=40, temperature=0.8, seed=1)
    for prompt, one in zip(prompts, found, strict=True):
        print(f"{prompt}{one.text}\n--- {one.completion_tokens} tokens, {one.state_bytes:,} bytes of state\n")


if __name__ == "__main__":
    main()
