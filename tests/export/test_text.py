"""What a bundle knows of text, and where that comes from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from small_models import Example
from tokenizers import Tokenizer, processors
from torch import nn

from rfa_export import pipeline
from rfa_export.errors import TokenizerError
from rfa_export.text import ADDS_TOKENS, CUT_OR_FILLED, text_side
from rfa_models.data.tokenizer import byte_tokenizer
from rfa_runtime.bundle.bundle import Bundle, read_bundle
from rfa_runtime.bundle.manifest import SpecialIds
from rfa_runtime.decoding.sampling_config import SamplingConfig
from rfa_runtime.errors import OptionError
from rfa_runtime.tasks.language import Decoder

END = SpecialIds(None, 10, (46,))
"""Bytes: a line break, and the full stop."""


def padded_tokenizer() -> Tokenizer:
    """One with settings of somebody else."""
    tokenizer = byte_tokenizer()
    tokenizer.enable_truncation(8)
    tokenizer.enable_padding(length=8)
    tokenizer.post_processor = processors.TemplateProcessing("a $A", special_tokens=[("a", 97)])
    return tokenizer


def exported(module: nn.Module, folder: Path, **settings: object) -> Bundle:
    pipeline.export_module(module, folder, segment_length=16, progress=lambda _: None, **settings)  # type: ignore[arg-type]
    return read_bundle(folder)


def test_a_bundle_ends_its_texts_and_chooses_tokens_as_it_was_told(gated: Example, tmp_path: Path) -> None:
    bundle = exported(
        gated.module,
        tmp_path / "model.rfa",
        tokenizer=padded_tokenizer(),
        special_ids=END,
        sampling={"temperature": 0.7, "top_k": 0},
        chat_template="{{ messages }}",
    )
    assert bundle.manifest.special_ids == END
    assert bundle.manifest.sampling == {"temperature": 0.7}
    assert bundle.manifest.notes == (CUT_OR_FILLED, ADDS_TOKENS)
    config = json.loads((bundle.path / "tokenizer_config.json").read_text())
    assert config["chat_template"] == "{{ messages }}"
    assert config["eos_token"] == "Ċ", "the name of the line break in a byte-level vocabulary"
    decoder = Decoder(bundle, threads=1)
    assert decoder.generate("a longer prompt", max_new_tokens=1).prompt_tokens == 15
    ended = decoder.generate("a", temperature=1.0, seed=1, max_new_tokens=20_000)
    assert ended.finish_reason == "stop"
    assert ended.token_ids[-1] in END.ends


def test_files_beside_a_tokenizer_speak_where_the_caller_does_not(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text(padded_tokenizer().to_str())
    (tmp_path / "generation_config.json").write_text('{"eos_token_id": [10, 46], "do_sample": true}')
    for source in (tmp_path, str(tmp_path / "tokenizer.json")):
        found = text_side(source)
        assert (found.special_ids, found.sampling) == (END, {"temperature": 1.0})
        assert found.notes == (CUT_OR_FILLED, ADDS_TOKENS)
    assert text_side(tmp_path, SpecialIds(eos=3)).special_ids == SpecialIds(eos=3)
    assert text_side(tmp_path, sampling=SamplingConfig(top_k=4)).sampling == {"top_k": 4}


def test_arguments_about_text_are_checked_before_the_work(gated: Example, tmp_path: Path) -> None:
    module = gated.module
    stages: list[str] = []
    with pytest.raises(TokenizerError, match="tokenizer is int, wanted a"):
        pipeline.export_module(module, tmp_path / "m.rfa", 7, progress=stages.append)  # type: ignore[arg-type]
    with pytest.raises(FileNotFoundError):
        pipeline.export_module(module, tmp_path / "m.rfa", tmp_path / "tokenizer.json", progress=stages.append)
    with pytest.raises(OptionError, match="temperature is -1"):
        pipeline.export_module(module, tmp_path / "m.rfa", sampling={"temperature": -1}, progress=stages.append)
    assert stages == []
