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
    blocks: tuple[int, ...] = (128, 64, 32)
    """Weights that share a scale, along the axis that a product sums over: the first number that divides it.

    Of the GPT-2-small shape at int4, blocks of 128 take 0.75 times the time of blocks of 32 and 0.85 times the bytes.
    They cost the pretrained model 2.7% of perplexity, blocks of 64 2.2%, blocks of 32 1.5%."""

    def block_of(self, columns: int) -> int | None:
        """How many weights of a row share a scale; None where rows do not divide, and stay as they are."""
        return next((block for block in self.blocks if columns % block == 0), None)

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
