"""The parts of other runtimes do what Python's do: random numbers, sampling, tokenizers, text."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from probes import Probe, Refused
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from rfa_runtime.bundle.bundle import shipped_bundle
from rfa_runtime.decoding.detokenize import detokenizer
from rfa_runtime.decoding.sampling import Sampler
from rfa_runtime.decoding.sampling_config import SamplingConfig

VOCAB = 300
STEPS = 40
STRINGS = 10_000
GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
LLAMA3 = "|".join(
    [
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)",
        r"[^\r\n\p{L}\p{N}]?\p{L}+",
        r"\p{N}{1,3}",
        r" ?[^\s\p{L}\p{N}]+[\r\n]*",
        r"\s*[\r\n]+",
        r"\s+(?!\S)",
        r"\s+",
    ]
)
QWEN2 = LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")
WORDS = [
    "the",
    " cat",
    "'s",
    "'LL",
    "\N{LATIN SMALL LETTER LONG S}",
    " 12345",
    "é",
    "\u0301",
    "日本",
    " 🐈",
    "\n",
    "\r\n",
    "  ",
    "\t",
    "\xa0",
    "!?",
    " ...",
    "½",
    "_",
    "▁",
]
SETTINGS = [
    {"temperature": 0.7},
    {"temperature": 1.0, "top_k": 5},
    {"temperature": 1.3, "top_p": 0.8},
    {"temperature": 1.0, "typical_p": 0.6},
    {"temperature": 1.0, "min_p": 0.1},
    {"temperature": 0.9, "top_k": 50, "top_p": 0.9, "min_p": 0.02},
    {"repetition_penalty": 1.4},
    {"temperature": 1.0, "presence_penalty": 1.5, "frequency_penalty": 0.5},
]


@pytest.mark.parametrize("seed", [0, 1, 7, 2**32, 2**40 + 5])
def test_random_numbers_are_numpys(probe: Probe, seed: int) -> None:
    wanted = np.random.default_rng([seed, 0]).random(50)
    assert probe.ask("random", seed=seed, count=50) == wanted.tolist()


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_tokens_are_those_that_python_draws(probe: Probe, settings: dict[str, float]) -> None:
    logits = np.random.default_rng(3).normal(0, 3, (STEPS, VOCAB)).astype(np.float32)
    prompt = [1, 2, 3]
    sampler = Sampler(SamplingConfig().over(settings | {"seed": 11}), VOCAB, prompt)
    wanted = [sampler.choose(row) for row in logits]
    given = settings | {"seed": 11}
    assert probe.ask("choose", settings=given, vocab_size=VOCAB, prompt=prompt, logits=logits.tolist()) == wanted


@pytest.mark.parametrize(
    "settings", [{"top_k": 1.5}, {"top_p": 2}, {"temperature": -1}, {"beam": 3}, {"seed": 2**53 + 1}], ids=str
)
def test_settings_that_cannot_be_are_refused(probe: Probe, settings: dict[str, float]) -> None:
    (name,) = settings
    with pytest.raises(Refused, match=f"(?i){name.replace('_', '_?')}"):  # JavaScript's names are written otherwise
        probe.ask("choose", settings=settings, vocab_size=2, logits=[])


def texts(count: int, seed: int) -> list[str]:
    """Texts of words, signs, and characters from anywhere."""
    draw = random.Random(seed)
    found = []
    for _ in range(count):
        parts = [draw.choice(WORDS) for _ in range(draw.randrange(12))]
        parts += [chr(draw.choice([draw.randrange(0x20, 0x250), draw.randrange(0x3000, 0x3100)])) for _ in range(3)]
        draw.shuffle(parts)
        found.append("".join(parts))
    return found


def byte_level(pre_tokenizer: pre_tokenizers.PreTokenizer) -> Tokenizer:
    """A tokenizer of bytes that is learned from such texts."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizer
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=600, initial_alphabet=alphabet, show_progress=False, special_tokens=["<s>"]
    )
    tokenizer.train_from_iterator(texts(500, 1), trainer)
    return tokenizer


def split(expression: str) -> pre_tokenizers.PreTokenizer:
    """Words by an expression, then bytes."""
    words = pre_tokenizers.Split(Regex(expression), "isolated")
    return pre_tokenizers.Sequence([words, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])


KINDS = {
    "stories": lambda: Tokenizer.from_file(str(shipped_bundle() / "tokenizer.json")),
    "gpt2": lambda: byte_level(pre_tokenizers.ByteLevel(add_prefix_space=False)),
    "gpt2 with a space": lambda: byte_level(pre_tokenizers.ByteLevel(add_prefix_space=True)),
    "bytes": lambda: byte_level(pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)),
    "digits": lambda: byte_level(
        pre_tokenizers.Sequence([pre_tokenizers.Digits(True), pre_tokenizers.ByteLevel(add_prefix_space=False)])
    ),
    "gpt2 by expression": lambda: byte_level(split(GPT2)),
    "llama 3": lambda: byte_level(split(LLAMA3)),
    "qwen 2": lambda: byte_level(split(QWEN2)),
}


def opened(probe: Probe, kind: str, folder: Path) -> Tokenizer:
    """A tokenizer, which the probe has opened, too."""
    tokenizer = KINDS[kind]()
    tokenizer.encode_special_tokens = True
    file = folder / "tokenizer.json"
    tokenizer.save(str(file))
    probe.ask("tokenizer", file=str(file))
    return tokenizer


def tokens_of(tokenizer: Tokenizer, text: str) -> list[int]:
    """Without special ones."""
    return list(tokenizer.encode(text, add_special_tokens=False).ids)


@pytest.mark.parametrize("kind", KINDS)
def test_texts_have_the_tokens_of_the_library(probe: Probe, kind: str, tmp_path: Path) -> None:
    tokenizer = opened(probe, kind, tmp_path)
    for text in ["", " ", "<s>", "a" * 5000, *texts(STRINGS // len(KINDS), 2)]:
        assert probe.ask("encode", text=text) == tokens_of(tokenizer, text), repr(text)


@pytest.mark.parametrize("kind", ["stories", "gpt2"])
def test_pieces_are_those_of_python(probe: Probe, kind: str, tmp_path: Path) -> None:
    tokenizer = opened(probe, kind, tmp_path)
    for tokens, place in prompts_and_texts(tokenizer):
        found = probe.ask("pieces", prompt=tokens[:place], tokens=tokens[place:])
        assert found == pieces(tokenizer, tokens, place), (tokens, place)


def prompts_and_texts(tokenizer: Tokenizer) -> Iterator[tuple[list[int], int]]:
    """Tokens, with some at the end that nobody would write, and how many of them are the prompt."""
    draw = random.Random(4)
    for text in texts(300, 5):
        tokens = tokens_of(tokenizer, text)
        tokens += [draw.randrange(tokenizer.get_vocab_size()) for _ in range(5)]
        yield tokens, draw.randrange(len(tokens) + 1)


def pieces(tokenizer: Tokenizer, tokens: Sequence[int], place: int) -> list[str]:
    """By Python, after the first tokens."""
    text = detokenizer(tokenizer, tokens[:place])
    return [*map(text.push, tokens[place:]), text.flush()]


@pytest.mark.parametrize("probe", ["cpp"], indirect=True)
def test_a_tokenizer_of_another_kind_is_refused_by_name(probe: Probe, tmp_path: Path) -> None:
    tokenizer = Tokenizer(models.WordLevel({"a": 0}, unk_token="a"))
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    with pytest.raises(Refused, match="WordLevel"):
        probe.ask("tokenizer", file=str(tmp_path / "tokenizer.json"))
