"""Export a torch module of your own, and decode with it.

python examples/python/export_module.py mine.rfa
"""

from __future__ import annotations

import sys
from pathlib import Path

from torch import Tensor, nn

from rfa_export import export_module
from rfa_models import AttentionConfig, RfaAttention, byte_tokenizer
from rfa_runtime import Decoder


class MyModel(nn.Module):
    """Any architecture, as for training; only its attention is ours."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(256, 64)
        self.attention = RfaAttention(AttentionConfig(heads=2, head_dim=32, random_vectors=32, gate=True))
        self.head = nn.Linear(64, 256)

    def forward(self, input_ids: Tensor) -> Tensor:
        """Logits of every next token.  int64 [B, T] -> float32 [B, T, 256]."""
        x = self.embedding(input_ids)
        attended, _ = self.attention(x)
        return self.head(x + attended)


if __name__ == "__main__":
    bundle = Path(sys.argv[1])
    export_module(MyModel(), bundle, byte_tokenizer(), overwrite=True)
    print(Decoder(bundle).generate("Hello", max_new_tokens=8).token_ids)
