"""Small tokenizers of every kind, as the tables of their tokenizer.json."""

from __future__ import annotations

import json
from typing import Any

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from toy_bundles import byte_tokenizer

WORDS = {"<unk>": 0, "Once": 1, "upon": 2, "a": 3, "##b": 4, "▁Once": 5, "▁": 6, "o": 7, "n": 8, "on": 9, "u</w>": 10}


def word_level() -> Tokenizer:
    """Words between white spaces."""
    tokenizer = Tokenizer(models.WordLevel(WORDS, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Whitespace(), pre_tokenizers.Digits()])
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])
    tokenizer.post_processor = processors.TemplateProcessing("$A <end>", special_tokens=[("<end>", 11)])
    tokenizer.add_special_tokens(["<end>"])
    tokenizer.add_tokens(["to be"])
    return tokenizer


def word_piece() -> Tokenizer:
    """BERT's kind."""
    tokenizer = Tokenizer(models.WordPiece(WORDS, unk_token="<unk>", max_input_chars_per_word=20))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.enable_truncation(8)
    tokenizer.enable_padding(length=4)
    return tokenizer


def unigram() -> Tokenizer:
    """SentencePiece's kind."""
    vocabulary = [("<unk>", 0.0), ("▁Once", -1.0), ("▁", -2.0), ("o", -3.0), ("<0x41>", -4.0)]
    tokenizer = Tokenizer(models.Unigram(vocabulary, 0, byte_fallback=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Fuse(), decoders.Strip("▁", 1, 0)])
    return tokenizer


def pairs_with_suffix() -> Tokenizer:
    """BPE as CLIP has it, with merges."""
    settings: dict[str, Any] = {"unk_token": "<unk>", "end_of_word_suffix": "</w>", "fuse_unk": True}
    tokenizer = Tokenizer(models.BPE(WORDS, [("o", "n")], **settings))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "isolated")
    tokenizer.decoder = decoders.BPEDecoder()
    return tokenizer


def documents() -> list[dict[str, Any]]:
    """All of them."""
    found = []
    for tokenizer in (byte_tokenizer(), word_level(), word_piece(), unigram(), pairs_with_suffix()):
        found.append(json.loads(tokenizer.to_str()))
    return found


TOKENIZERS = documents()
