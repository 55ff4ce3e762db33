"""The shapes that can be measured, by name.  No torch here: `--help` lists them.

What a step takes does not depend on the values of weights, only on how many there are.
"""

from __future__ import annotations

from dataclasses import replace

from rfa_models.attention.config import AttentionConfig
from rfa_models.networks.classifier_config import ClassifierConfig
from rfa_models.networks.language_model_config import ModelConfig
from rfa_models.networks.translator_config import TranslatorConfig

BYTES = 256
"""The smallest vocabulary: a token for each byte."""
GPT2_TOKENS = 50_257
"""The vocabulary of GPT-2."""


def language_model(
    vocab_size: int, layers: int, heads: int, head_dim: int, mlp_width: int, vectors: int
) -> ModelConfig:
    """A language model with RFA in every layer.  vectors: random vectors of a head."""
    attention = AttentionConfig(heads=heads, head_dim=head_dim, random_vectors=vectors)
    return ModelConfig(vocab_size, layers, mlp_width, attention=attention)


def translator(
    vocab_size: int, layers: int, heads: int, head_dim: int, mlp_width: int, vectors: int
) -> TranslatorConfig:
    """A translator with softmax in the encoder and RFA in both attentions of the decoder, as in the paper."""
    rfa = AttentionConfig(heads=heads, head_dim=head_dim, random_vectors=vectors)
    softmax = AttentionConfig(kind="softmax", heads=heads, head_dim=head_dim)
    return TranslatorConfig(
        vocab_size, layers, layers, mlp_width, encoder_attention=softmax, causal_attention=rfa, cross_attention=rfa
    )


def classifier(layers: int, heads: int, head_dim: int, mlp_width: int, vectors: int) -> ClassifierConfig:
    """A classifier of texts of any length into two classes, a token for each byte."""
    attention = AttentionConfig(heads=heads, head_dim=head_dim, random_vectors=vectors)
    return ClassifierConfig(BYTES, ("no", "yes"), layers, mlp_width, max_tokens=0, attention=attention)


def softmax_language_model(config: ModelConfig) -> ModelConfig:
    """The same shape with softmax attention."""
    layers = tuple(attention.softmax_twin() for attention in config.layer_attention)
    return replace(config, attention=config.attention.softmax_twin(), layer_attention=layers)


def softmax_translator(config: TranslatorConfig) -> TranslatorConfig:
    """The same shape with softmax in both attentions of the decoder."""
    softmax = config.causal_attention.softmax_twin()
    return replace(config, causal_attention=softmax, cross_attention=softmax)


def softmax_classifier(config: ClassifierConfig) -> ClassifierConfig:
    """The same shape with softmax attention."""
    return replace(config, attention=config.attention.softmax_twin())


SIZES = {
    "tiny": language_model(vocab_size=512, layers=4, heads=4, head_dim=32, mlp_width=512, vectors=32),
    "gpt2-small": language_model(GPT2_TOKENS, layers=12, heads=12, head_dim=64, mlp_width=3072, vectors=64),
    "one-billion": language_model(GPT2_TOKENS, layers=18, heads=16, head_dim=128, mlp_width=8192, vectors=64),
}
"""Of language models."""
TRAINED = {
    "tiny": language_model(BYTES, layers=2, heads=2, head_dim=32, mlp_width=128, vectors=32),
    "small": language_model(BYTES, layers=4, heads=4, head_dim=64, mlp_width=1024, vectors=64),
    "medium": language_model(BYTES, layers=4, heads=8, head_dim=64, mlp_width=2048, vectors=64),
}
"""Language models that a CPU can train.  A token for each byte, so that the head is no large part of a step.

How many layers there are changes no ratio.  How wide they are does: products with weights grow with the square of the
width, softmax with the width times the length."""
TRANSLATORS = {
    "tiny": translator(vocab_size=512, layers=1, heads=2, head_dim=32, mlp_width=256, vectors=32),
    "base": translator(vocab_size=32_768, layers=6, heads=8, head_dim=64, mlp_width=2048, vectors=64),
}
"""`base` is the transformer-base of the paper's translation experiments, its decoder with 64 random vectors."""
CLASSIFIERS = {
    "tiny": classifier(layers=1, heads=2, head_dim=32, mlp_width=128, vectors=32),
    "base": classifier(layers=4, heads=4, head_dim=64, mlp_width=1024, vectors=64),
}
"""`base` has the layers and widths of Long Range Arena's classifier of reviews."""
