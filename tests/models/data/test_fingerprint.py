"""A fingerprint is equal only where the same tokens mean the same text."""

import torch

from rfa_models.data.fingerprint import text_fingerprint
from rfa_models.data.tokenizer import byte_tokenizer, char_tokenizer

IDS = torch.tensor([1, 2, 3])


def test_the_same_text_has_the_same_fingerprint() -> None:
    assert text_fingerprint(byte_tokenizer(), IDS) == text_fingerprint(byte_tokenizer(), IDS.clone())


def test_other_tokens_or_another_tokenizer_have_another() -> None:
    fingerprint = text_fingerprint(byte_tokenizer(), IDS)
    assert text_fingerprint(byte_tokenizer(), IDS + 1) != fingerprint
    assert text_fingerprint(char_tokenizer(["abc"]), IDS) != fingerprint


def test_a_border_that_moves_between_two_texts_changes_it() -> None:
    moved = text_fingerprint(byte_tokenizer(), IDS[:1], IDS[1:])
    assert text_fingerprint(byte_tokenizer(), IDS[:2], IDS[2:]) != moved
