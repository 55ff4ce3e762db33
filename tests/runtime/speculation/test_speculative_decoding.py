"""A text whose tokens are guessed is the text that is written without guesses; guesses decide only how many steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from command_line import refused, run
from toy_bundles import toy_files, toy_manifest

from rfa_runtime import Bundle, Decoder, DraftModel, Lookup, SpeculativeDecoder
from rfa_runtime.bundle.bundle import read_bundle, write_bundle
from rfa_runtime.errors import BundleError, OptionError
from rfa_runtime.speculation.drafter import Drafter

PROMPTS = ["Once upon a time", "abc abc abc ab", "z"]
WAYS: list[dict[str, Any]] = [
    {"temperature": 0.0},
    {"temperature": 0.9, "seed": 3},
    {"temperature": 0.9, "top_k": 5, "repetition_penalty": 1.3, "seed": 4},
    {"temperature": 0.0, "stop": "a", "min_tokens": 3},
    {"temperature": 0.0, "logprobs": 2},
]


class Oracle:
    """Guesses that are right but for every so many."""

    def __init__(self, text: Sequence[int], wrong_every: int) -> None:
        self.text = text
        self.wrong_every = wrong_every
        self.place = 0

    def begin(self, ids: Sequence[int]) -> None:
        self.place = 0

    def note(self, token: int) -> None:
        self.place += 1

    def propose(self, most: int) -> list[int]:
        found = []
        for place in range(self.place, min(self.place + most, len(self.text))):
            wrong = self.wrong_every and (place + 1) % self.wrong_every == 0
            found.append((self.text[place] + 1) % 256 if wrong else self.text[place])
        return found


def wanted(bundle: Bundle, prompt: str, settings: dict[str, Any]) -> list[Any]:
    return list(Decoder(bundle, threads=1).stream(prompt, max_new_tokens=40, **settings))


@pytest.mark.parametrize("settings", WAYS, ids=str)
@pytest.mark.parametrize("drafter", [Lookup, None], ids=["lookup", "draft"])
def test_the_text_is_the_same(toy: Bundle, drafter: type[Lookup] | None, settings: dict[str, Any]) -> None:
    guesses: Drafter = Lookup() if drafter else DraftModel(toy, threads=1)
    decoder = SpeculativeDecoder(toy, guesses, threads=1)
    for prompt in PROMPTS:
        found = list(decoder.stream(prompt, max_new_tokens=40, **settings))
        for piece, same in zip(found, wanted(toy, prompt, settings), strict=True):
            assert piece[:3] == same[:3]
    assert 0 <= decoder.acceptance.accepted <= decoder.acceptance.drafted
    assert decoder.acceptance.drafted > 0


@pytest.mark.parametrize("wrong_every", [0, 1, 2, 3, 7])
def test_what_was_guessed_wrong_is_taken_back(toy: Bundle, wrong_every: int) -> None:
    text = [piece.token_id for piece in wanted(toy, "Once", {"temperature": 0.0})]
    decoder = SpeculativeDecoder(toy, Oracle(text, wrong_every), draft_tokens=5, threads=1)
    assert decoder.generate("Once", temperature=0.0, max_new_tokens=40).token_ids == text
    if wrong_every == 0:
        assert decoder.acceptance.rate == 1.0
        assert decoder.acceptance.steps == 7  # 39 tokens after the first, six a step
    if wrong_every == 1:
        assert decoder.acceptance.accepted == 0


def test_a_drafter_serves_one_text_after_another(toy: Bundle) -> None:
    decoder = SpeculativeDecoder(toy, DraftModel(toy, threads=1), threads=1)
    first = decoder.generate("Once", temperature=0.0, max_new_tokens=20)
    decoder.generate("something else", temperature=0.0, max_new_tokens=20)
    assert decoder.generate("Once", temperature=0.0, max_new_tokens=20).token_ids == first.token_ids
    assert decoder.acceptance.rate > 0.9  # a model that guesses its own text, and beyond its end


def test_bundles_that_do_not_fit_are_refused(toys: Callable[..., Bundle], tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="its state grows with the text"):
        SpeculativeDecoder(toys("softmax"))
    only_model = {"model": toy_manifest().graphs["model"]}
    files = toy_files()
    del files["model.score.onnx"]
    write_bundle(tmp_path / "short.rfa", toy_manifest(graphs=only_model), files)
    with pytest.raises(BundleError, match="has no graph 'score'"):
        SpeculativeDecoder(tmp_path / "short.rfa")
    other = toy_files()
    other["tokenizer.json"] = other["tokenizer.json"].replace(b"<end>", b"<fin>")
    write_bundle(tmp_path / "other.rfa", toy_manifest(), other)
    with pytest.raises(BundleError, match="has other tokens than toy"):
        SpeculativeDecoder(toys(), DraftModel(read_bundle(tmp_path / "other.rfa")))
    with pytest.raises(OptionError, match="draft_tokens is 0"):
        SpeculativeDecoder(toys(), draft_tokens=0)


def test_lookup_says_what_came_the_last_time() -> None:
    lookup = Lookup()
    lookup.begin([1, 2, 3, 4, 1, 2, 9, 8, 1, 2])
    assert lookup.propose(3) == [9, 8, 1]
    lookup.note(3)  # now 1 2 3 stood before
    assert lookup.propose(2) == [4, 1]
    lookup.note(7)
    assert lookup.propose(2) == []


def test_lookup_remembers_no_more_than_it_says() -> None:
    lookup = Lookup()
    lookup.begin([1, 2, 5])
    for token in range(10, 30_000):
        lookup.note(token)
    lookup.note(1)
    lookup.note(2)
    assert lookup.propose(1) == []  # it is long ago
    lookup.note(29_998)
    lookup.note(29_999)
    assert lookup.propose(2) == [1, 2]


def test_command(toy: Bundle) -> None:
    plain = run(toy.path, "abc abc ab", "--max-new-tokens", 30)
    for draft in ("lookup", toy.path):
        found = run(toy.path, "abc abc ab", "--max-new-tokens", 30, "--draft", draft, "--draft-tokens", 3)
        assert found.stdout == plain.stdout
        assert found.stderr.endswith(" guesses right\n")
    as_json = run(toy.path, "abc", "--json", "--draft", "lookup")
    assert '"finish_reason": "length"' in as_json.stdout
    refused(run(toy.path, "abc", "--draft", "lookup", "--save-state", "x"), "--draft and --save-state came together")
    refused(run(toy.path, "--chat", "--draft", "lookup"), "--draft and --chat came together")
    refused(run(toy.path, "abc", "--draft", "nothing.rfa"), "nothing.rfa")
