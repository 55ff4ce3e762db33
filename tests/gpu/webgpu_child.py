"""Run one graph on ONNX Runtime's WebGPU provider: in a Python that has onnxruntime-webgpu and numpy, nothing of ours.

Arguments: graph, a folder of `N.npz` with inputs.  Writes `N.out.npz` beside each, and prints the operators that ran by
provider.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime

FATAL = 4


def main() -> None:
    graph, folder = map(Path, sys.argv[1:3])
    options = onnxruntime.SessionOptions()
    options.log_severity_level = FATAL
    options.enable_profiling = True
    options.profile_file_prefix = str(folder / "profile")
    session = onnxruntime.InferenceSession(str(graph), options, ["WebGpuExecutionProvider"], enable_fallback=0)
    names = [value.name for value in session.get_outputs()]
    for file in sorted(folder.glob("*.npz")):
        found = session.run(names, dict(np.load(file)))
        np.savez(file.with_suffix(".out.npz"), **dict(zip(names, found, strict=True)))
    placed: dict[str, list[str]] = {}
    for event in json.loads(Path(session.end_profiling()).read_text(encoding="utf-8")):
        if event["cat"] == "Node" and event["name"].endswith("_kernel_time"):
            placed.setdefault(event["args"]["provider"], []).append(event["args"]["op_name"])
    print(json.dumps(placed))


if __name__ == "__main__":
    main()
