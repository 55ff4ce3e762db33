"""Target `web`: what a page needs besides the graphs of target `ort`, which the browser package reads.

The package asks for a file by its sum: `model.onnx?v=1fd3...`.  So a browser may keep each file for ever, but the
manifest, which says what is newest, not at all.
"""

from __future__ import annotations

from pathlib import Path

from rfa_export.targets.catalogue import WEB
from rfa_export.targets.target import Target
from rfa_export.tasks.task import TaskExport
from rfa_runtime.bundle.files import MANIFEST
from rfa_runtime.bundle.manifest import GraphSpec, Manifest

HEADERS = "_headers"
"""As Netlify and Cloudflare Pages read it, at the root of a site."""
KEEP = "public, max-age=31536000, immutable"
ASK_AGAIN = "no-cache"


class Web(Target):
    """Headers for caches, beside the graphs that target `ort` has written."""

    facts = WEB

    def write(self, task: TaskExport, manifest: Manifest, folder: Path) -> dict[str, GraphSpec]:
        """Write the headers."""
        names = sorted(path.name for path in folder.iterdir())
        rules = [rule(MANIFEST, ASK_AGAIN), *(rule(name, KEEP) for name in names if name != MANIFEST)]
        (folder / HEADERS).write_text("".join(rules), encoding="utf-8")
        return {}


def rule(name: str, cache: str) -> str:
    """How long a file is kept, wherever the bundle lies."""
    return f"/*/{name}\n  Cache-Control: {cache}\n"
