"""Export the models that all parts measure, RFA and softmax in each precision, with random weights.

Arguments: size, folder, precisions.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from rfa_bench.subjects.language_twins import export_twins
from rfa_bench.subjects.shapes import SIZES
from rfa_export.targets.export_config import ExportConfig


def main() -> None:
    """Bundles that are there already are used again."""
    size = sys.argv[1]
    folder = Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    found = []
    for precision in sys.argv[3:]:
        twins = export_twins(SIZES[size], folder, ExportConfig(precision=precision))
        found += [path.name for path in twins.values()]
    print(json.dumps({"bundles": found}))


if __name__ == "__main__":
    main()
