"""How the weights of a bundle are stored.  Random projections, normalizers and states are float32 in all of them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from rfa_export.errors import TargetError
from rfa_runtime.wording import Setting

FLOAT32_STATE = Setting("state", "fp32")
INT8_WEIGHTS = Setting("precision", "int8")
INT4_WEIGHTS = Setting("precision", "int4")
EXACT_ACTIVATIONS = Setting("activations", "fp32")
BLOCKS = (256, 128, 64, 32)
"""Numbers of weights that may share a scale, along the axis that a product sums over.

Of the GPT-2-small shape at int4 on a processor, blocks of 256 take 0.90 times the time of blocks of 128, and those 0.75
times the time of blocks of 32."""
BLOCK = 128
"""The most weights that share a scale, by default: ONNX Runtime's kernels for CUDA go so far."""


ACTIVATIONS = ("int8", "fp32")
"""What products by whole numbers make of the numbers that they multiply with weights, the usual one first.

int8 is faster.  Some models have a few activations that are far larger than all others, and lose too much by it:
SmolLM2-135M's logits were off by a quarter of the largest."""


@dataclass(frozen=True)
class Precision:
    """Weights of products and embeddings: floats, or whole numbers of a few bits with a scale for each block."""

    name: str
    """The word that `--precision` takes."""
    bits: int = 32
    symmetric: bool = True
    """Whether zero lies in the middle of a block's numbers, or where the block's smallest and largest weight put it.

    The latter costs no time.  At int4 in blocks of 128 the pretrained model's perplexity is 2.28% over float32 with it,
    2.67% without."""
    block: int = BLOCK
    """The most weights that share a scale."""
    activations: str = "int8"
    """One of ACTIVATIONS; floats are multiplied by floats in any case."""
    even_blocks: bool = False
    """Whether a row has an even number of blocks where they have zero points: WebGPU reads two of 4 bits at a time."""

    def block_of(self, columns: int) -> int | None:
        """How many weights of a row share a scale; None where rows do not divide, and stay as they are."""
        even = self.even_blocks and not self.symmetric
        for size in BLOCKS:
            parts = 2 * size if even else size
            if size <= self.block and columns % parts == 0:
                return size
        return None

    @property
    def label(self) -> str:
        """For reports: the name, and what is not as usual."""
        blocks = "" if self.block == BLOCK else f"-{self.block}"
        activations = "" if self.activations == ACTIVATIONS[0] else f"-{self.activations}-activations"
        return self.name + blocks + activations

    @property
    def rounds(self) -> bool:
        """Whether weights lose accuracy."""
        return self.bits < 32

    @property
    def quantized(self) -> bool:
        """Whether weights are whole numbers."""
        return self.bits < 16

    @property
    def rounds_activations(self) -> bool:
        """Whether products round what they multiply by the weights, where a target can."""
        return self.quantized and self.activations == "int8"

    @property
    def half(self) -> bool:
        """Whether weights, and products by them, are float16."""
        return self.bits == 16


FLOAT32 = Precision("fp32")
ALL = (FLOAT32, Precision("fp16", 16), Precision("int8", 8), Precision("int4", 4, symmetric=False))
PRECISIONS = {precision.name: precision for precision in ALL}


def precision_of(name: str, block: int | None = None, activations: str | None = None) -> Precision:
    """The precision of this name.  block: the most weights that share a scale.  activations: one of ACTIVATIONS.

    Raises TargetError for a name or a size that nobody has, and for a size where weights have no blocks.
    """
    if name not in PRECISIONS:
        raise TargetError(f"precision {name!r} came, wanted one of {', '.join(PRECISIONS)}")
    found = PRECISIONS[name]
    if activations is not None:
        found = with_activations(found, activations)
    if block is None:
        return found
    if block not in BLOCKS:
        raise TargetError(f"blocks of {block} weights came, wanted one of {', '.join(map(str, BLOCKS))}")
    if not found.quantized:
        coarse = " or ".join(precision.name for precision in ALL if precision.quantized)
        raise TargetError(f"{name} weights have no blocks: leave their size out, or choose {coarse}")
    return replace(found, block=block)


def with_activations(precision: Precision, activations: str) -> Precision:
    """The same with other activations.  Raises TargetError for what nobody has, and for floats: they have no choice."""
    if activations not in ACTIVATIONS:
        raise TargetError(f"activations {activations!r} came, wanted {' or '.join(ACTIVATIONS)}")
    if not precision.quantized:
        raise TargetError(f"{precision.name} weights are multiplied as floats: leave activations out")
    return replace(precision, activations=activations)
