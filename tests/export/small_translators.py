"""The smallest translators that have everything, and what torch and the runtime say of them."""

from __future__ import annotations

import copy
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from small_models import Pieces, assert_near, attention_config, disturbed, random_ids, translator

from rfa_models.attention.causal import RfaAttention
from rfa_models.attention.config import AUTHORS_CROSS
from rfa_models.attention.cross import RfaCrossAttention
from rfa_models.attention.encoder import RfaEncoderAttention
from rfa_models.networks.translator import Translator
from rfa_runtime.bundle.bundle import Bundle
from rfa_runtime.session.encoder import Encoder
from rfa_runtime.session.state import State
from rfa_runtime.session.step import StepSession

ENCODER, STEP, WEIGHTS = "encoder.onnx", "model.onnx", "model.onnx.data"


def every_setting() -> Translator:
    """Both feature maps, with a gate and without, the authors' constants, both kinds of encoder: in one model."""
    model = translator("softmax", gate=True, encoder_layers=2)
    model.encoder[1].attention = disturbed(RfaEncoderAttention(attention_config(feature_map="arccos")))
    model.decoder[1].attention = disturbed(RfaAttention(attention_config(feature_map="arccos")))
    model.decoder[1].cross_attention = disturbed(RfaCrossAttention(attention_config(**AUTHORS_CROSS)))
    return model


def softmax_twin() -> Translator:
    """Softmax everywhere, and all that `every_setting` leaves out: post-norm, relu, no positions, an own head."""
    others: dict[str, Any] = {"norm": "post", "activation": "relu", "positions": "none", "tie_embeddings": False}
    return translator("softmax", "softmax", **others)


TRANSLATORS: dict[str, Callable[[], Translator]] = {"rfa": every_setting, "softmax": softmax_twin}


def random_sources(*lengths: int) -> list[list[int]]:
    return [random_ids(1, length, seed=length)[0].tolist() for length in lengths]


def torch_translations(module: Any, sources: list[list[int]], targets: np.ndarray) -> np.ndarray:
    """The parallel form in float64, each source by itself.  targets: [B, T] -> [B, T, N]."""
    exact, rows = copy.deepcopy(module).double(), zip(sources, torch.from_numpy(targets), strict=True)
    with torch.no_grad():
        return torch.cat([exact(torch.tensor([source]), target[None]) for source, target in rows]).numpy()


def new_state(bundle: Bundle, session: StepSession, sources: list[list[int]]) -> State:
    return session.new_state(len(sources), cross=Encoder(bundle, threads=1).encode(sources))


def translated(bundle: Bundle, sources: list[list[int]], targets: np.ndarray, pieces: Pieces) -> np.ndarray:
    """The runtime's logits after each piece of the targets, all sources in one batch."""
    session = StepSession(bundle, threads=1)
    state = new_state(bundle, session, sources)
    return np.stack([session.step(targets[:, start:end], state).copy() for start, end in pairwise([0, *pieces])], 1)


def assert_translates_as_torch(
    module: Any, bundle: Bundle, sources: list[list[int]], targets: np.ndarray, pieces: Pieces
) -> None:
    """A padded batch in the runtime, step by step, is each source by itself in torch."""
    found = translated(bundle, sources, targets, pieces)
    assert_near(found, torch_translations(module, sources, targets)[:, [end - 1 for end in pieces]])
