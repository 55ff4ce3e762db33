"""Name the class of each text.

python examples/python/classify.py reviews.rfa "a warm and funny film" "two hours of boredom"
"""

from __future__ import annotations

import sys

from rfa_runtime import Classifier


def main() -> None:
    """Print the most likely label of each text, and how likely it is."""
    bundle, *texts = sys.argv[1:]
    classifier = Classifier(bundle)
    for text, found in zip(texts, classifier.classify_batch(texts), strict=True):
        print(f"{found.label} ({found.probabilities[found.label]:.0%}): {text}")


if __name__ == "__main__":
    main()
