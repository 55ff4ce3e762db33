"""Which operators of a step a provider runs, and which are left to the processor: each costs copies and a wait.

Arguments: bundle, provider.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

import numpy as np
import onnxruntime

from rfa_runtime.bundle.bundle import read_bundle
from rfa_runtime.bundle.interface import MODEL
from rfa_runtime.session.ort import PROVIDER_OPTIONS, PROVIDERS, load_cuda, session_options

DTYPES = {"tensor(int64)": np.int64, "tensor(int32)": np.int32, "tensor(float16)": np.float16}


def main() -> None:
    """Run one step under ONNX Runtime's own profile, and print the operators by provider."""
    bundle = read_bundle(sys.argv[1])
    print(json.dumps({"operators": placed(bundle.path / bundle.graph(MODEL).file, sys.argv[2])}))


def placed(graph: Path, provider: str) -> dict[str, dict[str, int]]:
    """How often each operator ran in a step of one token, by provider."""
    with tempfile.TemporaryDirectory() as folder:
        options = session_options(threads=1)
        options.enable_profiling = True
        options.profile_file_prefix = str(Path(folder, "profile"))
        if provider == "cuda":
            load_cuda()
        session = onnxruntime.InferenceSession(
            str(graph), options, [PROVIDERS[provider]], [PROVIDER_OPTIONS[provider]], enable_fallback=0
        )
        session.run(None, {value.name: empty(value) for value in session.get_inputs()})
        events = json.loads(Path(session.end_profiling()).read_text(encoding="utf-8"))
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for event in events:
        if event["cat"] == "Node" and event["name"].endswith("_kernel_time"):
            counts = found[event["args"]["provider"]]
            operator = event["args"]["op_name"]
            counts[operator] = counts.get(operator, 0) + 1
    return found


def empty(value: onnxruntime.NodeArg) -> np.ndarray:
    """What an input may be in a first step of one row: zeros, and room for one token in a cache."""
    shape = [size if isinstance(size, int) else 1 for size in value.shape]
    array = np.zeros(shape, DTYPES.get(value.type, np.float32))
    return array + 1 if "total" in value.name else array


if __name__ == "__main__":
    main()
