"""A student that lacks a part: what is left shows what the part is worth.  Windows flatter."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from rfa_models.attention import operators
from rfa_models.networks.language_model import LanguageModel


@contextmanager
def without_attention(model: LanguageModel) -> Iterator[None]:
    """Let every attention give zeros while the `with` block lasts."""

    def silence(layer: nn.Module, arguments: tuple[Tensor, ...], result: tuple[Tensor, Any]) -> tuple[Tensor, Any]:
        output, state = result
        return torch.zeros_like(output), state

    handles = [layer.register_forward_hook(silence) for layer in model.attentions()]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def without_sums(model: LanguageModel) -> Iterator[None]:
    """Let every attention read its window alone."""
    current = operators.current()

    def nothing(*arguments: Any, **settings: Any) -> tuple[Tensor, Tensor, Any]:
        numerator, denominator, state = current.linear_attention(*arguments, **settings)
        return torch.zeros_like(numerator), torch.zeros_like(denominator), state

    with operators.using(replace(current, linear_attention=nothing)):
        yield


@contextmanager
def without_window(model: LanguageModel) -> Iterator[None]:
    """Let every attention read its sums alone, which know nothing of the last tokens."""
    current = operators.current()

    def nothing(*arguments: Any, **settings: Any) -> tuple[Tensor, Tensor]:
        numerator, denominator = current.window_attention(*arguments, **settings)
        return torch.zeros_like(numerator), torch.zeros_like(denominator)

    with operators.using(replace(current, window_attention=nothing)):
        yield


def controls_of(model: LanguageModel) -> Mapping[str, AbstractContextManager[None]]:
    """The controls that a student has, by their names."""
    found: dict[str, AbstractContextManager[None]] = {"no attention": without_attention(model)}
    attention = model.config.attention
    if attention.window and attention.kind == "rfa":
        found["window alone"] = without_sums(model)
        found["sums alone"] = without_window(model)
    return found
