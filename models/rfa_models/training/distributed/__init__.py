"""One model, trained by several processes.

What cuts weights loads when it is first used: FSDP2 takes a second, and most trainings do without.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rfa_models.training.distributed.sharding import cut_like, shard

__all__ = ["cut_like", "shard"]


def __getattr__(name: str) -> Any:
    """Find a name in its module (PEP 562)."""
    if name in __all__:
        return getattr(import_module("rfa_models.training.distributed.sharding"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
