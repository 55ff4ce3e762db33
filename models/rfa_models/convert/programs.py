"""The authors' programs: each has constants in its code that no file holds, so it matters which one wrote a file.

                                 feature scale   floor   causal denominator    cross denominator
    RFA (the release)            0.1             1.0     max(phi(q).z, 1.0)    max(|phi(q).z|, 1.0)
    rfa-doc-mt (of documents)    0.1             0.1     max(phi(q).z, 0.1)    max(phi(q).z, 0.1)

Sources: `utils.py`, `causal_attention.py` and `cross_attention.py` of Noahs-ARK/RFA at b075fa8, and `rfa_utils.py` and
the same of ZhaofengWu/rfa-doc-mt at b69a43c.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping
from typing import Any

from rfa_models.attention.config import AUTHORS, AUTHORS_CROSS, AttentionConfig

WRAPPED_LAYER = re.compile(r"(.*\.)?decoder\.layers\.[0-9]+\.module\.self_attn\.module\..*")
"""Only rfa-doc-mt wraps its layers and their attention."""
POOL_FOLDER = "random_matrices_path"
"""A setting that rfa-doc-mt cannot do without, and the release does not have."""


@dataclasses.dataclass(frozen=True)
class Program:
    """A program and its constants.  Raises ConfigError for constants that cannot work."""

    name: str
    causal: Mapping[str, Any]
    """Settings of an AttentionConfig."""
    cross: Mapping[str, Any]
    masked_denominator: str | None = None
    """What its training divides by with `cuda_causal_rfa` off; None where that is what its decoding divides by."""

    def __post_init__(self) -> None:
        AttentionConfig(**self.causal)
        AttentionConfig(**self.cross)

    def with_constants(self, given: Mapping[str, float]) -> Program:
        """The same with other constants in both attentions.  Raises ConfigError."""
        return dataclasses.replace(self, causal={**self.causal, **given}, cross={**self.cross, **given})


RELEASE = Program("RFA", AUTHORS, AUTHORS_CROSS, "max(|phi(q).z|, 0.001)")
DOC_MT = Program("rfa-doc-mt", AUTHORS | {"denominator_floor": 0.1}, AUTHORS | {"denominator_floor": 0.1})


def program_of(names: Iterable[str], settings: Mapping[Any, Any]) -> Program:
    """The program that wrote a file, by its tensors' names, wrappers included, or by its settings."""
    if POOL_FOLDER in settings or any(WRAPPED_LAYER.fullmatch(name) for name in names):
        return DOC_MT
    return RELEASE
