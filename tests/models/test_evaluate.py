"""Perplexity: every token after the first is predicted once, whatever the segments."""

import json
import math

import pytest
import torch
from click.testing import CliRunner
from torch import nn
from torch.nn import functional as F

from rfa_models.checkpoint import save_checkpoint
from rfa_models.errors import DataError
from rfa_models.evaluate import main, perplexity


class Bigram(nn.Module):
    """Logits that depend on the last token only, so that segments cannot matter."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(7, 7)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return self.table(ids)


@pytest.mark.parametrize("length", [1, 2, 5, 30, 31, 32, 1000])
@pytest.mark.parametrize("batch", [1, 4])
def test_every_token_after_the_first_counts_once(length, batch):
    model, ids = Bigram(), torch.randint(7, (32,), dtype=torch.int32)
    wanted = math.exp(F.cross_entropy(model(ids[:-1].long()), ids[1:].long()).item())
    assert perplexity(model, ids, length, batch) == pytest.approx(wanted, rel=1e-5)


def test_segments_start_from_an_empty_state(small_model):
    model, ids = small_model(), torch.randint(256, (21,))
    losses = [
        F.cross_entropy(model(ids[start : start + 10][None])[0], ids[start + 1 : start + 11], reduction="sum").item()
        for start in (0, 10)
    ]
    assert perplexity(model, ids, 10) == pytest.approx(math.exp(sum(losses) / 20), rel=1e-5)


@pytest.mark.parametrize("training", [True, False])
def test_mode_of_the_model_is_as_it_was(small_model, training):
    model = small_model(dropout=0.5).train(training)
    ids = torch.randint(256, (20,))
    assert perplexity(model, ids, 8) == perplexity(model, ids, 8)
    assert model.training is training


@pytest.mark.parametrize("tokens", [0, 1])
def test_text_of_less_than_two_tokens_is_refused(small_model, tokens):
    with pytest.raises(DataError, match="needs at least 2"):
        perplexity(small_model(), torch.zeros(tokens, dtype=torch.int32), 8)


def test_perplexity_that_no_float_can_hold_is_infinite():
    model = Bigram()
    torch.nn.init.zeros_(model.table.weight)
    with torch.no_grad():
        model.table.weight[:, 0] = 1e4
    assert perplexity(model, torch.ones(9, dtype=torch.int32), 4) == math.inf


def test_the_command_ends_in_one_line_and_exit_code_2_on_a_mistake(tmp_path):
    (tmp_path / "model.pt").write_bytes(b"x")
    result = CliRunner().invoke(main, [str(tmp_path / "model.pt"), "text.txt"])
    assert result.exit_code == 2
    assert result.stderr.startswith(f"Error: {tmp_path / 'model.pt'}: the file is truncated")
    assert result.stderr.count("\n") == 1


def test_the_command_prints_the_perplexity_of_a_text(tmp_path, checkpoint):
    save_checkpoint(checkpoint, tmp_path / "model.pt")
    (tmp_path / "text.txt").write_text("a short text", encoding="utf-8")
    result = CliRunner().invoke(main, [str(tmp_path / "model.pt"), str(tmp_path / "text.txt")])
    found = json.loads(result.stdout)
    assert found["tokens"] == 11
    assert 1 < found["perplexity"] < 1000
