"""What torch puts around a module to run it in another way: torch.compile, DataParallel and their kind.

The weights are those of the module inside, under names with a word more.
"""

from __future__ import annotations

from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim.swa_utils import AveragedModel

COMPILED = "_orig_mod"
"""Where torch.compile keeps the module."""
PARALLEL = "module"
"""Where the others do."""
AROUND = (nn.DataParallel, DistributedDataParallel, AveragedModel)


def unwrapped(module: nn.Module) -> nn.Module:
    """The module inside all wrappers; a module without any as it is."""
    while True:
        if isinstance(module, AROUND):
            module = module.get_submodule(PARALLEL)
        elif hasattr(module, COMPILED):
            module = module.get_submodule(COMPILED)
        else:
            return module


def plain_name(name: str) -> str:
    """The name of a tensor in the module inside: `blocks.0.weight` for `module.blocks.0._orig_mod.weight`."""
    parts = [part for part in name.split(".") if part not in (COMPILED, PARALLEL)]
    return ".".join(parts)
