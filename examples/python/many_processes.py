"""Continue prompts in several processes, each with a decoder of its own.

    python examples/python/many_processes.py

They are spawned: a process that is forked after `import onnxruntime` hangs when it ends.
"""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor

from rfa_runtime import Decoder, shipped_bundle

PROMPTS = ["Once upon a time", "Lily", "One day, a dog", "The sun"]
decoders: list[Decoder] = []
"""Of this process: one."""


def open_bundle() -> None:
    """Begin a process."""
    decoders.append(Decoder(shipped_bundle(), threads=1))


def continued(prompt: str) -> str:
    """Return the prompt and what follows."""
    return prompt + decoders[0].generate(prompt, max_new_tokens=40, temperature=0.8, seed=4).text


def main() -> None:
    """Print all texts in the order of their prompts."""
    spawned = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, mp_context=spawned, initializer=open_bundle) as processes:
        for text in processes.map(continued, PROMPTS):
            print(text, end="\n\n")


if __name__ == "__main__":
    main()
