"""Random Feature Attention models in torch: layers, a language model, training and checkpoints.

Example:
    layer = RfaAttention(AttentionConfig(heads=4, head_dim=64, gate=True))
    output, state = layer(x)                       # x: [B, T, 256]
    output, state = layer(next_x, None, state)     # goes on from there, at a constant cost
"""

from rfa_models.attention.causal import RfaAttention, SoftmaxAttention
from rfa_models.attention.config import AUTHORS, AttentionConfig
from rfa_models.checkpoints.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from rfa_models.errors import ModelError
from rfa_models.networks.language_model import LanguageModel
from rfa_models.networks.language_model_config import ModelConfig

__all__ = [
    "AUTHORS",
    "AttentionConfig",
    "Checkpoint",
    "LanguageModel",
    "ModelConfig",
    "ModelError",
    "RfaAttention",
    "SoftmaxAttention",
    "load_checkpoint",
    "save_checkpoint",
]
