"""Text with guessed tokens beside the same text without: how many guesses are right, and what that is worth."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from rfa_runtime.bundle.bundle import Bundle
from rfa_runtime.line_files.text import read_text
from rfa_runtime.speculation.decoder import SpeculativeDecoder
from rfa_runtime.speculation.draft_model import DraftModel
from rfa_runtime.speculation.drafter import Drafter
from rfa_runtime.speculation.lookup import Lookup
from rfa_runtime.tasks.language import Decoder

LOOKUP = "lookup"
PROMPT_TOKENS = 32


@dataclass(frozen=True)
class Speculation:
    """What guesses brought; the names are the contract of `rfa-bench speculation --json`."""

    draft: str
    draft_tokens: int
    prompts: int
    tokens: int
    """That were written, each way."""
    same_texts: int
    """Texts that are equal, token by token."""
    drafted: int
    accepted: int
    acceptance: float
    tokens_per_step: float
    plain_tokens_per_s: float
    tokens_per_s: float
    speed: float
    """Times without guesses: above 1, guesses pay."""
    provider: str = "cpu"


def measure(
    bundle: Bundle,
    text: Path | None,
    draft: str,
    draft_tokens: int,
    prompts: int,
    new_tokens: int,
    threads: int | None,
    provider: str = "cpu",
) -> Speculation:
    """Write greedily after prompts, both ways in turns.

    text: that prompts are parts of; None for what the model writes.  draft: `lookup`, or a bundle.
    """
    plain = Decoder(bundle, threads, provider)
    drafter: Drafter = Lookup() if draft == LOOKUP else DraftModel(draft, threads, provider)
    guessing = SpeculativeDecoder(bundle, drafter, draft_tokens, threads, provider)
    seconds = guessing_seconds = 0.0
    tokens = same = 0
    source = written(plain, prompts) if text is None else plain.encode(read_text(text))
    for prompt in prompts_of(source, prompts):
        started = time.perf_counter()
        wanted = plain.generate(prompt, temperature=0.0, max_new_tokens=new_tokens, ignore_eos=True)
        between = time.perf_counter()
        found = guessing.generate(prompt, temperature=0.0, max_new_tokens=new_tokens, ignore_eos=True)
        seconds += between - started
        guessing_seconds += time.perf_counter() - between
        tokens += found.completion_tokens
        same += found.token_ids == wanted.token_ids
    acceptance = guessing.acceptance
    return Speculation(
        draft=Path(draft).name,
        draft_tokens=draft_tokens,
        prompts=prompts,
        tokens=tokens,
        same_texts=same,
        drafted=acceptance.drafted,
        accepted=acceptance.accepted,
        acceptance=round(acceptance.rate, 3),
        tokens_per_step=round(tokens / acceptance.steps, 2),
        plain_tokens_per_s=round(tokens / seconds, 1),
        tokens_per_s=round(tokens / guessing_seconds, 1),
        speed=round(seconds / guessing_seconds, 3),
        provider=provider,
    )


def written(model: Decoder, prompts: int) -> list[int]:
    """A text that the model writes, long enough for so many prompts."""
    count = prompts * PROMPT_TOKENS
    return list(model.generate([0], max_new_tokens=count, seed=0, ignore_eos=True).token_ids)


def prompts_of(ids: list[int], count: int) -> list[list[int]]:
    """Parts of a text, evenly from its beginning to its end; of a short text some are equal."""
    last = max(0, len(ids) - PROMPT_TOKENS)
    starts = [last * place // count for place in range(count)]
    return [ids[start : start + PROMPT_TOKENS] for start in starts]
