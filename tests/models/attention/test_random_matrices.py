"""Random matrices: repeatable, of the right distribution, new ones for every training step, saved for evaluation."""

import math
from collections.abc import Callable

import pytest
import torch

from rfa_models.attention.causal import RfaAttention
from rfa_models.attention.config import AttentionConfig
from rfa_models.attention.random_matrices import MatrixPools, draw_matrices, draw_pool, layers_by_config, take
from rfa_models.networks.language_model import LanguageModel
from rfa_models.networks.translator import Translator
from rfa_models.networks.translator_config import TranslatorConfig

ORTHOGONAL = 1e-5
"""Products of unit vectors of 8 numbers in float32 (eps 6e-8)."""


CPU = torch.device("cpu")


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def numbered_pool(size: int) -> torch.Tensor:
    """A pool whose matrices are all one number: their own index."""
    return torch.arange(float(size)).view(-1, 1, 1).expand(-1, 2, 3)


@pytest.mark.parametrize("kind", ["iid", "orthogonal"])
def test_same_seed_gives_the_same_pool_and_another_seed_another(
    small_attention: Callable[..., AttentionConfig], kind: str
) -> None:
    first = draw_pool(small_attention(matrices=kind, seed=4))
    assert first.shape == (16, 8, 8)
    assert first.dtype == torch.float32
    assert torch.equal(first, draw_pool(small_attention(matrices=kind, seed=4)))
    assert not torch.equal(first, draw_pool(small_attention(matrices=kind, seed=5)))


@pytest.mark.parametrize("kind", ["iid", "orthogonal"])
def test_the_pool_does_not_depend_on_the_global_seed(
    small_attention: Callable[..., AttentionConfig], kind: str
) -> None:
    torch.manual_seed(1)
    first = draw_pool(small_attention(matrices=kind))
    torch.manual_seed(2)
    assert torch.equal(first, draw_pool(small_attention(matrices=kind)))


@pytest.mark.parametrize(("rows", "width"), [(8, 8), (5, 8), (20, 8), (3, 1)])
def test_orthogonal_rows_are_orthogonal_within_blocks_of_the_head_width(rows: int, width: int) -> None:
    matrices = draw_matrices("orthogonal", 3, rows, width, rng())
    assert matrices.shape == (3, rows, width)
    for block in matrices.split(width, dim=1):
        directions = block / block.norm(dim=-1, keepdim=True)
        products = directions @ directions.mT
        torch.testing.assert_close(products, torch.eye(block.shape[1]).expand_as(products), atol=ORTHOGONAL, rtol=0)


@pytest.mark.parametrize("kind", ["iid", "orthogonal"])
def test_row_lengths_are_chi_distributed_with_the_head_width(kind: str) -> None:
    width, count = 8, 500
    norms = draw_matrices(kind, count, 16, width, rng()).norm(dim=-1)
    mean = math.sqrt(2) * math.gamma((width + 1) / 2) / math.gamma(width / 2)
    error = 5 * math.sqrt((width - mean**2) / norms.numel())
    assert norms.mean().item() == pytest.approx(mean, abs=error)
    assert norms.square().mean().item() == pytest.approx(width, abs=5 * math.sqrt(2 * width / norms.numel()))


@pytest.mark.parametrize("kind", ["iid", "orthogonal"])
def test_entries_have_mean_zero_and_variance_one(kind: str) -> None:
    entries = draw_matrices(kind, 500, 16, 8, rng()).flatten()
    assert entries.mean().item() == pytest.approx(0, abs=0.02)
    assert entries.square().mean().item() == pytest.approx(1, abs=0.03)
    assert entries.pow(4).mean().item() == pytest.approx(3, abs=0.2)


def test_no_matrix_is_shared_while_the_pool_is_large_enough() -> None:
    taken = take(numbered_pool(12), 3, 4, rng())
    assert taken.shape == (3, 4, 2, 3)
    assert taken[..., 0, 0].unique().numel() == 12


@pytest.mark.parametrize("seed", range(5))
def test_no_matrix_is_shared_within_a_layer_when_the_pool_is_small(seed: int) -> None:
    for layer in take(numbered_pool(4), 6, 4, rng(seed)):
        assert layer[:, 0, 0].unique().numel() == 4


def test_each_step_takes_other_matrices() -> None:
    generator = rng()
    pool = numbered_pool(50)
    assert not torch.equal(take(pool, 2, 4, generator), take(pool, 2, 4, generator))


def test_evaluation_uses_the_saved_set_which_is_the_first_of_the_pool(
    small_attention: Callable[..., AttentionConfig],
) -> None:
    config = small_attention(seed=9)
    layer = RfaAttention(config).eval()
    layer.training_matrices = torch.zeros(2, 8, 8)
    assert layer.matrices() is layer.random_matrices
    assert torch.equal(layer.random_matrices, draw_pool(config)[:2])
    assert "random_matrices" in layer.state_dict()


def test_training_uses_the_resampled_set_where_there_is_one(small_attention: Callable[..., AttentionConfig]) -> None:
    layer = RfaAttention(small_attention()).train()
    assert layer.matrices() is layer.random_matrices
    layer.training_matrices = torch.zeros(2, 8, 8)
    assert layer.matrices() is layer.training_matrices


def ids() -> torch.Tensor:
    return torch.randint(256, (2, 10))


def translator(**cross: int) -> Translator:
    """A translator whose cross attention may differ from its causal one."""
    small = {"heads": 2, "head_dim": 8, "random_vectors": 8, "pool_size": 16}
    return Translator(
        TranslatorConfig(
            vocab_size=256,
            encoder_layers=1,
            decoder_layers=2,
            mlp_width=16,
            encoder_attention=AttentionConfig(kind="softmax", **small),
            causal_attention=AttentionConfig(**small),
            cross_attention=AttentionConfig(**(small | cross)),
        )
    )


def test_resampling_changes_training_but_not_evaluation(small_model: Callable[..., LanguageModel]) -> None:
    model, tokens = small_model(), ids()
    evaluated, trained = model(tokens), model.train()(tokens)
    MatrixPools(model, CPU).resample(rng(1))
    assert not torch.allclose(model.train()(tokens), trained, atol=1e-4)
    assert torch.equal(model.eval()(tokens), evaluated)


def test_resampling_gives_every_layer_other_matrices(small_model: Callable[..., LanguageModel]) -> None:
    model = small_model()
    MatrixPools(model, CPU).resample(rng(1))
    first, second = (block.attention.training_matrices for block in model.blocks)
    assert not any(torch.equal(a, b) for a in first for b in second)


def test_evaluation_matrices_are_the_same_in_every_layer(small_model: Callable[..., LanguageModel]) -> None:
    first, second = (block.attention.random_matrices for block in small_model().blocks)
    assert torch.equal(first, second)


def test_resampling_a_softmax_model_does_nothing(small_model: Callable[..., LanguageModel]) -> None:
    model, generator = small_model({"kind": "softmax"}), rng(1)
    MatrixPools(model, CPU).resample(generator)
    assert layers_by_config(model) == []
    assert torch.equal(generator.get_state(), rng(1).get_state())


def test_layers_of_one_config_share_a_pool_and_others_have_their_own() -> None:
    assert [len(layers) for layers in layers_by_config(translator())] == [4]
    model = translator(random_vectors=12)
    assert [len(layers) for layers in layers_by_config(model)] == [2, 2]
    MatrixPools(model, CPU).resample(rng(1))
    assert model.decoder[0].attention.training_matrices.shape == (2, 8, 8)
    assert model.decoder[0].cross_attention.training_matrices.shape == (2, 12, 8)
