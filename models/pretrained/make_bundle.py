"""Write the bundle that comes with rfa-runtime: stories.pt with weights of 8 bits.

    python models/pretrained/make_bundle.py

`rfa-run "Once upon a time"` decodes it.  Run this again when the model, or what the exporter makes of it, has changed.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from rfa_export.pipeline import export
from rfa_export.targets.export_config import ExportConfig
from rfa_models.checkpoints.checkpoint import load_checkpoint
from rfa_runtime.bundle.bundle import read_bundle, write_bundle

CHECKPOINT = Path(__file__).with_name("stories.pt")
SHIPPED = Path(__file__).parents[2] / "runtime" / "rfa_runtime" / "pretrained" / "stories.rfa"
SAMPLING = {"temperature": 0.6, "top_k": 40}
"""With the most likely token each time this model repeats itself."""


def main() -> None:
    """Replace the bundle in the source tree."""
    make_bundle(SHIPPED)
    size = sum(file.stat().st_size for file in SHIPPED.iterdir())
    print(f"{SHIPPED.name}: {size:,} bytes")


def make_bundle(folder: Path) -> None:
    """Export the checkpoint, and write it to a folder with its own sampling defaults.  A bundle there is replaced."""
    with TemporaryDirectory() as temporary:
        draft = Path(temporary) / "draft.rfa"
        export(load_checkpoint(CHECKPOINT), draft, config=ExportConfig(precision="int8"))
        made = read_bundle(draft)
        files = {name: draft / name for name in made.manifest.files}
        folder.parent.mkdir(exist_ok=True)
        write_bundle(folder, replace(made.manifest, sampling=SAMPLING), files, overwrite=True)


if __name__ == "__main__":
    main()
