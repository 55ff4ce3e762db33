"""Every step trains on other random matrices; evaluation keeps its own."""

from collections.abc import Callable

import torch

from rfa_models.attention.config import AttentionConfig
from rfa_models.attention.random_matrices import MatrixPools, layers_by_config
from rfa_models.networks.language_model import LanguageModel
from rfa_models.networks.translator import Translator
from rfa_models.networks.translator_config import TranslatorConfig

CPU = torch.device("cpu")


def ids() -> torch.Tensor:
    return torch.randint(256, (2, 10))


def rng() -> torch.Generator:
    return torch.Generator().manual_seed(1)


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
    MatrixPools(model, CPU).resample(rng())
    assert not torch.allclose(model.train()(tokens), trained, atol=1e-4)
    assert torch.equal(model.eval()(tokens), evaluated)


def test_resampling_gives_every_layer_other_matrices(small_model: Callable[..., LanguageModel]) -> None:
    model = small_model()
    MatrixPools(model, CPU).resample(rng())
    first, second = (block.attention.training_matrices for block in model.blocks)
    assert not any(torch.equal(a, b) for a in first for b in second)


def test_evaluation_matrices_are_the_same_in_every_layer(small_model: Callable[..., LanguageModel]) -> None:
    first, second = (block.attention.random_matrices for block in small_model().blocks)
    assert torch.equal(first, second)


def test_resampling_a_softmax_model_does_nothing(small_model: Callable[..., LanguageModel]) -> None:
    model, generator = small_model({"kind": "softmax"}), rng()
    MatrixPools(model, CPU).resample(generator)
    assert layers_by_config(model) == []
    assert torch.equal(generator.get_state(), rng().get_state())


def test_layers_of_one_config_share_a_pool_and_others_have_their_own() -> None:
    assert [len(layers) for layers in layers_by_config(translator())] == [4]
    model = translator(random_vectors=12)
    assert [len(layers) for layers in layers_by_config(model)] == [2, 2]
    MatrixPools(model, CPU).resample(rng())
    assert model.decoder[0].attention.training_matrices.shape == (2, 8, 8)
    assert model.decoder[0].cross_attention.training_matrices.shape == (2, 12, 8)
