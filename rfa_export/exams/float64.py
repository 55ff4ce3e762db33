"""Float64: a module computes in double precision, where rounding does not show, without a copy of its weights.

Every runtime is held to what comes out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import embedding
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_map_only

from rfa_export.errors import ParityError
from rfa_export.tracing.trace import evaluating, reason


@contextmanager
def answering(module: nn.Module, request: str) -> Iterator[None]:
    """Let a module compute the answers of an exam, in float64.

    request: what is asked of the module, to follow the word "cannot".  Raises ParityError where the module fails.
    """
    try:
        with float64(module):
            yield
    except Exception as error:  # the module's own code may raise anything
        raise ParityError(
            f"{type(module).__name__} cannot {request} in torch ({reason(error)}), so there is nothing to compare "
            "with: nothing was written"
        ) from error


@contextmanager
def float64(module: nn.Module) -> Iterator[None]:
    """Compute in float64 whatever the module is called with, in its evaluation mode and without gradients.

    The results are those of `copy.deepcopy(module).eval().double()`, bit for bit.  Weights are converted when they are
    used, one at a time: a copy would need twice the model's memory.
    """
    with evaluating(module), torch.no_grad(), WeightsInFloat64(module):
        yield


class WeightsInFloat64(TorchFunctionMode):
    """Functions of torch see the weights of a module as float64, and return what follows from that."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        tensors = chain(module.parameters(), module.buffers())
        self.weights = {id(tensor) for tensor in tensors if tensor.dtype is torch.float32}

    def __torch_function__(self, function: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Call a function of torch in float64."""
        kwargs = kwargs or {}
        if function is embedding:  # only the rows that it looks up need to be converted
            found = function(*args, **kwargs)
            return found.double() if found.dtype is torch.float32 else found
        if getattr(function, "__name__", "") == "__get__":
            found = function(*args, **kwargs)
            return torch.float64 if found is torch.float32 and id(args[0]) in self.weights else found
        return function(*tree_map_only(Tensor, self.widened, args), **tree_map_only(Tensor, self.widened, kwargs))

    def widened(self, tensor: Tensor) -> Tensor:
        """A weight as float64, any other tensor as it is."""
        return tensor.double() if id(tensor) in self.weights else tensor
