"""Models of llama2.c."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from llama_in_numpy import logits
from others_models import HEADS, KV_HEADS, WORDS, llama_tensors, write_llama2c

from rfa_models.convert.pretrained.read import read_softmax_model
from rfa_models.errors import ModelError
from rfa_runtime.bundle.manifest import SpecialIds

IDS = [1, 3, 5, 4, 4, 10, 7, 2]
STORIES = Path(__file__).parents[5] / "shared" / "data" / "lm-stories260k" / "stories260K.bin"


@pytest.mark.parametrize("tied", [False, True])
def test_logits_are_the_models_own(tmp_path: Path, tied: bool) -> None:
    tensors = llama_tensors(tied)
    found = read_softmax_model(write_llama2c(tmp_path, tensors))
    with torch.no_grad():
        ours = found.model(torch.tensor([IDS]))[0].numpy()
    wanted = logits({name: tensor.numpy() for name, tensor in tensors.items()}, IDS, HEADS, KV_HEADS)
    assert np.abs(ours - wanted).max() <= 1e-4 * np.abs(wanted).max()
    assert found.special_ids == SpecialIds(1, 2, (1,))
    assert found.tokenizer.get_vocab_size() == len(WORDS)


def cut(folder: Path, model: Path) -> None:
    model.write_bytes(model.read_bytes()[:-4])


def other_header(folder: Path, model: Path) -> None:
    model.write_bytes(struct.pack("<7i", 0, 1, 1, 1, 1, 1, 1) + bytes(100))


def nothing(folder: Path, model: Path) -> None:
    model.write_bytes(b"")


def no_tokenizer(folder: Path, model: Path) -> None:
    (folder / f"tok{len(WORDS)}.bin").unlink()


def cut_tokenizer(folder: Path, model: Path) -> None:
    file = folder / f"tok{len(WORDS)}.bin"
    file.write_bytes(file.read_bytes()[:-1])


def smaller_tokenizer(folder: Path, model: Path) -> None:
    file = folder / f"tok{len(WORDS)}.bin"
    file.write_bytes(file.read_bytes()[:-9])


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (cut, "the file is cut or another kind"),
        (other_header, "not a model of llama2.c in float32"),
        (nothing, "has 0 bytes"),
        (no_tokenizer, "name its tokenizer with tokenizer"),
        (cut_tokenizer, "a piece has length 1: the file is cut"),
        (smaller_tokenizer, "has 10 pieces, the model knows 11 tokens"),
    ],
)
def test_bad_files_are_refused_in_one_line(tmp_path: Path, damage: object, message: str) -> None:
    model = write_llama2c(tmp_path, llama_tensors())
    damage(tmp_path, model)
    with pytest.raises(ModelError, match=message) as caught:
        read_softmax_model(model)
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(not STORIES.exists(), reason="the pretrained stories260K is not beside the checkout")
def test_stories260k_tells_its_known_story() -> None:
    found = read_softmax_model(STORIES)
    ids = torch.tensor([[1]])
    with torch.no_grad():
        for _ in range(60):
            ids = torch.cat([ids, found.model(ids)[:, -1:].argmax(-1)], 1)
    text = found.tokenizer.decode(ids[0].tolist())
    assert text.startswith(
        "Once upon a time, there was a little girl named Lily. She loved to play outside in the park."
    )
