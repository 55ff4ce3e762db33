"""Any module that encodes and steps with our attention becomes a translator; others are told what they lack."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from small_models import attention_config, disturbed, random_ids
from small_models import translator as small_translator
from small_translators import assert_translates_as_torch
from torch import Tensor, nn

from rfa_export.errors import TokenizerError, TraceError
from rfa_export.pipeline import task_of
from rfa_export.tasks.translation import TranslatorExport
from rfa_models.attention.causal import RfaAttention
from rfa_models.attention.cross import RfaCrossAttention, SourceState
from rfa_models.checkpoints.checkpoint import Checkpoint
from rfa_models.data.tokenizer import END, START, bpe_tokenizer, byte_tokenizer
from rfa_runtime.bundle.bundle import Bundle
from rfa_runtime.bundle.manifest import SpecialIds


class Summing(nn.Module):
    """No encoder but the embedding; what both attentions find is mixed, and the head sees the token again."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.embed, self.head, self.mix = nn.Embedding(50, 16), nn.Linear(16, 50), nn.Linear(32, 16)
        self.near, self.far = RfaAttention(attention_config()), RfaCrossAttention(attention_config())

    def encode(self, ids: Tensor, positions: Tensor | None = None, keep: Tensor | None = None) -> list[SourceState]:
        return [self.far.read_source(self.embed(ids), keep)]

    def step(self, ids: Tensor, memories: list[SourceState], *_: Any) -> list[Tensor]:
        x = self.embed(ids)
        seen = torch.cat([self.near(x)[0], self.far(x, memories[0])], -1)
        return [self.head(torch.tanh(self.mix(seen)) + x)]

    def forward(self, source_ids: Tensor, target_ids: Tensor) -> Tensor:
        return self.step(target_ids, self.encode(source_ids))[0]


def test_a_translator_never_seen_before_becomes_a_bundle(export_task: Callable[..., Bundle]) -> None:
    module = disturbed(Summing())
    bundle = export_task(TranslatorExport(module))
    assert [spec.past for spec in bundle.manifest.state] == [
        "past_key_values.0.recurrent_state",
        "past_key_values.0.normalizer_state",
        "cross_key_values.0.recurrent_state",
    ]
    assert_translates_as_torch(module, bundle, [[3, 4, 5], [49]], random_ids(2, 40, vocab=50), [10, *range(20, 41)])


class WithoutEncoder(nn.Module):
    def step(self, *_: Any) -> None: ...


class ThreeParts(Summing):
    def encode(self, *inputs: Any) -> list[SourceState]:
        return [super().encode(*inputs)[0] * 3]


class FailsToEncode(Summing):
    def encode(self, *inputs: Any) -> list[SourceState]:
        raise OSError("the dictionary is lost")


class WithoutPast(Summing):
    def step(self, ids: Tensor, memories: list[SourceState], *_: Any) -> list[Tensor]:
        return [self.head(self.far(self.embed(ids), memories[0]))]


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (WithoutEncoder, "WithoutEncoder has no method 'encode', wanted encode and step"),
        (ThreeParts, r"ThreeParts.encode gives \(3,\) tensors for its layers, wanted 1 \(RFA\) or 2 \(softmax\)"),
        (FailsToEncode, "FailsToEncode cannot encode two tokens: the dictionary is lost"),
        (WithoutPast, "WithoutPast has no RfaAttention or SoftmaxAttention in it: nothing carries a state"),
        (lambda: Summing().double(), "Summing: embed.weight is torch.float64 on cpu, wanted float32 on the CPU"),
    ],
)
def test_a_module_that_cannot_become_a_translator_is_refused_in_one_line(
    build: Callable[[], Any], message: str
) -> None:
    with pytest.raises(TraceError, match=message) as refused:
        TranslatorExport(build()).trace()
    assert "\n" not in str(refused.value)


def test_a_checkpoint_brings_the_tokens_that_start_and_end_a_target() -> None:
    tokenizer = bpe_tokenizer(["one two three"], 300, (START, END))
    task = task_of(Checkpoint(small_translator(), tokenizer))
    assert isinstance(task, TranslatorExport)
    assert task.special_ids == SpecialIds(tokenizer.token_to_id("<s>"), tokenizer.token_to_id("</s>"))
    assert None not in (task.special_ids.bos, task.special_ids.eos)
    with pytest.raises(TokenizerError, match="the tokenizer has no token '<s>'"):
        task_of(Checkpoint(small_translator(), byte_tokenizer()))
