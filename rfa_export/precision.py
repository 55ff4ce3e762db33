"""How the weights of a bundle are stored.  Random projections, normalisers and states are float32 in all of them."""

from __future__ import annotations

from dataclasses import dataclass

from rfa_export.errors import TargetError


@dataclass(frozen=True)
class Precision:
    """Weights of products and embeddings: floats, or whole numbers of a few bits with a scale for each block."""

    name: str
    """As `--precision` has it."""
    bits: int = 32
    block_size: int = 32
    """Weights that share a scale, along the axis that a product sums over."""

    @property
    def rounds(self) -> bool:
        """Whether weights lose anything."""
        return self.bits < 32

    @property
    def quantised(self) -> bool:
        """Whether weights are whole numbers."""
        return self.bits < 16

    @property
    def half(self) -> bool:
        """Whether weights, and products by them, are float16."""
        return self.bits == 16


FLOAT32 = Precision("fp32")
ALL = (FLOAT32, Precision("fp16", 16), Precision("int8", 8), Precision("int4", 4))
PRECISIONS = {precision.name: precision for precision in ALL}


def precision_of(name: str) -> Precision:
    """The precision of this name.  Raises TargetError."""
    if name not in PRECISIONS:
        raise TargetError(f"precision {name!r} came, wanted one of {', '.join(PRECISIONS)}")
    return PRECISIONS[name]
