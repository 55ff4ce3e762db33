"""`rfa-run` with a language model: continue a prompt, or score a text."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import rfa_runtime
from rfa_runtime.bundle.bundle import Bundle
from rfa_runtime.bundle.interface import TOKENIZER
from rfa_runtime.bundle.places import check_folder_of, check_readable
from rfa_runtime.commands.run_chat import run_chat
from rfa_runtime.commands.shared import prompt_text, run_lines, show, texts
from rfa_runtime.ending import complain
from rfa_runtime.errors import OptionError, PromptError
from rfa_runtime.line_files.one_line import as_json_line, with_escapes
from rfa_runtime.line_files.text import read_text

LONG_PROMPT = 4096
"""Characters or tokens from which reading a prompt shows its progress."""
DEFAULT_LENGTH = 128
"""New tokens, where nobody says how many."""
LOOKUP = "lookup"
"""What `--draft` names in place of a bundle."""
SAMPLING = (
    *("temperature", "top_k", "top_p", "min_p", "typical_p"),
    *("repetition_penalty", "presence_penalty", "frequency_penalty", "seed"),
)


def run_language(bundle: Bundle, score: tuple[Path, ...], segment: int | None, chat: bool, **options: Any) -> None:
    """Talk, score a text, continue every line of a file, or continue the prompt: what the options ask for."""
    if chat:
        run_chat(bundle, options["threads"], options["provider"], text_settings(**options))
        return
    if score:
        show_perplexity(bundle, score, segment, **options)
        return
    if segment is not None:
        raise OptionError("--segment came without --score, wanted both or none")
    if options["inputs"]:
        run_lines(bundle, rfa_runtime.ContinueLines(text_settings(**options), options["as_json"]), **options)
        return
    if options["draft"] is not None:
        speculate(bundle, **options)
        return
    generate(bundle, **options)


def generate(
    bundle: Bundle,
    prompt: str | None,
    prompt_file: Path | None,
    ids: str | None,
    threads: int | None,
    provider: str,
    as_json: bool,
    load_state: Path | None,
    save_state: Path | None,
    **options: Any,
) -> None:
    """Continue the prompt: as a stream, which follows a prompt that is text, or as one JSON object."""
    given = given_prompt(bundle, prompt, prompt_file, ids)
    settings = text_settings(**options)
    check_readable(load_state)
    if save_state is not None:
        check_folder_of(save_state)
    decoder = rfa_runtime.Decoder(bundle, threads, provider)
    if as_json:
        print(as_json_line(decoder.generate(given, **settings)))
        return
    if load_state is None:
        said: str | list[int] | None = given
        talk = rfa_runtime.Conversation(decoder)
    else:
        said = given or None
        talk = rfa_runtime.Conversation.load(decoder, load_state)
    with rfa_runtime.progress_bar("prompt", None, hidden=len(given) < LONG_PROMPT) as bar:
        pieces = talk.write(said, progress=bar.reach, **settings)
        first = next(pieces)
    timed = Timed(chain([first], pieces))
    try:
        show_text(bundle, given, timed)
    finally:  # Ctrl-C ends the text, and what was written of it is kept
        pieces.close()
        if save_state is not None:
            talk.save(save_state)
    complain(timed.words(bundle))


def speculate(
    bundle: Bundle,
    prompt: str | None,
    prompt_file: Path | None,
    ids: str | None,
    threads: int | None,
    provider: str,
    as_json: bool,
    draft: str,
    draft_tokens: int,
    **options: Any,
) -> None:
    """Continue the prompt with several tokens a step where they can be guessed, and say how good the guesses were."""
    given = given_prompt(bundle, prompt, prompt_file, ids)
    settings = text_settings(**options)
    drafter = rfa_runtime.Lookup() if draft == LOOKUP else rfa_runtime.DraftModel(draft, threads, provider)
    decoder = rfa_runtime.SpeculativeDecoder(bundle, drafter, draft_tokens, threads, provider)
    if as_json:
        print(as_json_line(decoder.generate(given, **settings)))
        return
    timed = Timed(decoder.stream(given, **settings))
    show_text(bundle, given, timed)
    found = decoder.acceptance
    complain(f"{timed.words(bundle)}, {found.accepted:,} of {found.drafted:,} guesses right")


def given_prompt(bundle: Bundle, prompt: str | None, prompt_file: Path | None, ids: str | None) -> str | list[int]:
    """The text or the token ids to go on from.  Raises PromptError for a text that no tokenizer can read."""
    given = prompt_text(prompt, prompt_file) if ids is None else token_ids(ids)
    if given and isinstance(given, str) and TOKENIZER not in bundle.manifest.files:
        raise PromptError(f"{bundle.path.name} has no tokenizer: give token ids, such as --ids 1,2,3")
    return given


def show_text(bundle: Bundle, given: str | list[int], pieces: Iterable[rfa_runtime.Piece]) -> None:
    """Print what comes, after a prompt that is text; where there is no tokenizer, as token ids."""
    if TOKENIZER not in bundle.manifest.files:
        show(spelled_ids(pieces))
        return
    print(given if isinstance(given, str) else "", end="", flush=True)
    show(texts(pieces))


def text_settings(
    max_new_tokens: int | None,
    stop: tuple[str, ...],
    ignore_eos: bool,
    min_tokens: int | None,
    json_schema: Path | None,
    regex: str | None,
    lark: Path | None,
    **options: Any,
) -> dict[str, Any]:
    """What the options say of a text.  Raises OptionError before the weights are read."""
    sampling = sampling_settings(options)
    rfa_runtime.SamplingConfig(**sampling)
    settings = {
        "max_new_tokens": length_limit(max_new_tokens),
        "stop": tuple(map(with_escapes, stop)),
        "ignore_eos": ignore_eos,
        "min_tokens": min_tokens or 0,
        **sampling,
    }
    form = grammar(json_schema, regex, lark)
    return settings if form is None else settings | {"grammar": form}


def grammar(json_schema: Path | None, regex: str | None, lark: Path | None) -> rfa_runtime.Grammar | None:
    """The form that a text has to keep to.  Raises OptionError where several came."""
    found = []
    if json_schema is not None:
        found.append(rfa_runtime.Grammar.json_schema(read_text(json_schema)))
    if regex is not None:
        found.append(rfa_runtime.Grammar.regex(regex))
    if lark is not None:
        found.append(rfa_runtime.Grammar.lark(read_text(lark)))
    if len(found) > 1:
        raise OptionError("--json-schema, --regex and --lark each give the form of the text: wanted one of them")
    return found[0] if found else None


def token_ids(text: str) -> list[int]:
    """Read token ids with commas or spaces between them.  Raises OptionError for what is no whole number."""
    words = text.replace(",", " ").split()
    try:
        return list(map(int, words))
    except ValueError as error:
        raise OptionError(f"--ids is {text[:60]!r}, wanted whole numbers with commas or spaces between them") from error


def length_limit(max_new_tokens: int | None) -> int | None:
    """Return the limit that the option stands for: 0 sets none."""
    if max_new_tokens is None:
        return DEFAULT_LENGTH
    return max_new_tokens or None


def spelled_ids(pieces: Iterable[rfa_runtime.Piece]) -> Iterator[str]:
    """Yield the token ids as text, with spaces between them."""
    space = ""
    for piece in pieces:
        yield f"{space}{piece.token_id}"
        space = " "


class Timed:
    """Passes pieces on, counts them, and takes the time from the first to the last."""

    def __init__(self, pieces: Iterable[rfa_runtime.Piece]) -> None:
        self._pieces = pieces
        self.tokens = 0
        self.seconds = 0.0

    def __iter__(self) -> Iterator[rfa_runtime.Piece]:
        first = 0.0
        for piece in self._pieces:
            if self.tokens == 0:
                first = time.perf_counter()
            self.tokens += 1
            yield piece
        self.seconds = time.perf_counter() - first

    def words(self, bundle: Bundle) -> str:
        """Say how many tokens came, how fast, and how large the state is where its size is fixed."""
        said = f"{self.tokens:,} tokens"
        if self.tokens > 1:
            said += f", {(self.tokens - 1) / self.seconds:,.0f} tokens/s"
        size = fixed_state_bytes(bundle)
        if size is not None:
            said += f", state {size / 1000:,.0f} kB"
        return said


def fixed_state_bytes(bundle: Bundle) -> int | None:
    """Return the size of the state of one text in bytes; None where the state grows with the text."""
    size = 0
    for spec in bundle.manifest.state:
        if spec.kind != "recurrent":
            return None
        size += spec.row_bytes()
    return size


def show_perplexity(
    bundle: Bundle,
    files: tuple[Path, ...],
    segment: int | None,
    threads: int | None,
    provider: str,
    as_json: bool,
    **_: Any,
) -> None:
    """Print how well the bundle predicts a text."""
    if len(files) > 1:
        raise OptionError(f"--score came {len(files)} times, a language model scores one text file")
    found = rfa_runtime.score_text(bundle, read_text(files[0]), segment, threads=threads, provider=provider)
    if as_json:
        print(as_json_line(found))
        return
    print(
        f"perplexity {found.perplexity:.3f} over {found.tokens:,} tokens in {found.items:,} segments, "
        f"{found.bits_per_byte:.3f} bits per byte"
    )


def sampling_settings(options: dict[str, Any]) -> dict[str, Any]:
    """The options about sampling that were given."""
    given = {}
    for name in SAMPLING:
        if options[name] is not None:
            given[name] = options[name]
    return given
