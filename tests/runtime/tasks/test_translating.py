"""Greedy and beam search against a plain search over the reference's probabilities in float64."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tokenizers import Tokenizer, models
from toy_translator import END, START, reference_logits, write_toy_translator

from rfa_runtime.bundle.bundle import Bundle
from rfa_runtime.bundle.manifest import SpecialIds
from rfa_runtime.decoding.search_config import SearchConfig
from rfa_runtime.errors import BundleError, LogitsError, OptionError, PromptError
from rfa_runtime.session import encoder as encoder_module
from rfa_runtime.session.binding import Binding
from rfa_runtime.tasks.translation import Translator

SOURCES = ["a longer source", "short", "x", "and one that is of middling length"]
LIMIT = 12


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Bundle]:
    folder = tmp_path_factory.mktemp("toys")
    return {kind: write_toy_translator(folder / f"{kind}.rfa", kind) for kind in ("rfa", "softmax")}


@pytest.fixture
def translator(bundles: dict[str, Bundle], kind: str) -> Translator:
    return Translator(bundles[kind])


@dataclass(frozen=True)
class Found:
    tokens: tuple[int, ...]
    total: float
    score: float


def log_probabilities(source: list[int], text: tuple[int, ...], kind: str) -> np.ndarray:
    logits = reference_logits(source, [START, *text], kind)[-1]
    return logits - np.log(np.exp(logits - logits.max()).sum()) - logits.max()


def plain_search(source: list[int], config: SearchConfig, kind: str) -> list[Found]:
    """Beam search as its definition reads, every hypothesis computed anew from its beginning."""
    live, ended = [Found((), 0.0, 0.0)], list[Found]()
    for length in range(1, LIMIT + 1):
        everything = [
            Found((*one.tokens, token), total, total / length**config.length_penalty)
            for one in live
            for token, total in enumerate(one.total + log_probabilities(source, one.tokens, kind))
        ]
        best = sorted(everything, key=lambda found: -found.total)[: 2 * config.beam]
        ended += [found for found in best[: config.beam] if found.tokens[-1] == END]
        live = [found for found in best if found.tokens[-1] != END][: config.beam]
        if len(ended) >= config.beam:
            worst_kept = sorted(found.score for found in ended)[-config.beam]
            reachable = max(live[0].total / n**config.length_penalty for n in (length + 1, LIMIT))
            if config.early_stop or reachable <= worst_kept:
                break
    else:
        ended += live
    return sorted(ended, key=lambda found: -found.score)[: config.n_best]


@pytest.mark.parametrize(
    "config",
    [
        SearchConfig(1, max_new_tokens=LIMIT),
        SearchConfig(3, n_best=3, max_new_tokens=LIMIT),
        SearchConfig(4, length_penalty=0.0, n_best=2, max_new_tokens=LIMIT),
        SearchConfig(4, length_penalty=2.0, n_best=4, early_stop=False, max_new_tokens=LIMIT),
        SearchConfig(2, length_penalty=-1.0, early_stop=False, max_new_tokens=LIMIT),
    ],
    ids=["greedy", "beam", "no penalty", "late stop", "short ones gain"],
)
def test_the_search_finds_what_its_definition_finds(translator: Translator, kind: str, config: SearchConfig) -> None:
    for source, found in zip(SOURCES, translator.translate_batch(SOURCES, config), strict=True):
        wanted = plain_search(translator.encode(source), config, kind)
        assert [tuple(one.token_ids) for one in found.n_best] == [one.tokens for one in wanted]
        np.testing.assert_allclose([one.score for one in found.n_best], [one.score for one in wanted], atol=1e-4)


def test_some_of_these_searches_end_early_and_some_at_the_limit(translator: Translator) -> None:
    found = translator.translate_batch(SOURCES, SearchConfig(4, n_best=4, max_new_tokens=LIMIT))
    reasons = {one.finish_reason for translation in found for one in translation.n_best}
    assert reasons == {"stop", "length"}, "else the tests above show little"


def test_one_beam_is_greedy(translator: Translator) -> None:
    for source in SOURCES:
        pieces = list(translator.stream(source, max_new_tokens=LIMIT))
        found = translator.translate(source, SearchConfig(1, max_new_tokens=LIMIT))
        assert [piece.token_id for piece in pieces] == found.token_ids
        assert "".join(piece.text for piece in pieces) == found.text
        assert pieces[-1].finish_reason == found.finish_reason


@pytest.mark.parametrize("beam", [1, 3])
def test_a_batch_gives_what_each_source_gives_alone(translator: Translator, beam: int) -> None:
    config = SearchConfig(beam, n_best=beam, max_new_tokens=LIMIT)
    together = translator.translate_batch(SOURCES, config)
    for source, found in zip(SOURCES, together, strict=True):
        alone = translator.translate(source, config)
        assert [one.token_ids for one in found.n_best] == [one.token_ids for one in alone.n_best]
        np.testing.assert_allclose([h.score for h in found.n_best], [h.score for h in alone.n_best], atol=1e-5)


def test_a_batch_that_is_read_in_parts_gives_the_same(translator: Translator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of softmax, the sources of all parts are filled up to one length."""
    config = SearchConfig(3, max_new_tokens=LIMIT)
    whole = translator.translate_batch(SOURCES, config)
    monkeypatch.setattr(encoder_module, "MAX_PAIRS", 1)
    for found, wanted in zip(translator.translate_batch(SOURCES, config), whole, strict=True):
        assert found.token_ids == wanted.token_ids
        assert found.score == pytest.approx(wanted.score, abs=1e-5)


def test_translations_come_in_the_order_of_their_sources(translator: Translator) -> None:
    found = translator.translate_batch(SOURCES, SearchConfig(2, max_new_tokens=3))
    assert [translation.prompt_tokens for translation in found] == [len(source) + 1 for source in SOURCES]


def test_one_source_goes_the_way_of_the_decoder_and_gives_what_a_batch_gives(bundles: dict[str, Bundle]) -> None:
    """The graph names the tokens of one source itself; a batch looks for them in the logits."""
    config = SearchConfig(max_new_tokens=40)
    for bundle in bundles.values():
        translator = Translator(bundle)
        for source in SOURCES:
            alone, twice = translator.translate(source, config), translator.translate_batch([source] * 2, config)
            for found in twice:
                assert (found.token_ids, found.text) == (alone.token_ids, alone.text)
                assert found.finish_reason == alone.finish_reason
                assert found.score == pytest.approx(alone.score, abs=1e-5)


def test_state_bytes_do_not_grow_with_the_source(bundles: dict[str, Bundle]) -> None:
    translator = Translator(bundles["rfa"], max_source_tokens=10_001)
    config = SearchConfig(max_new_tokens=3)
    found = [translator.translate([65] * length, config) for length in (10, 10_000)]
    assert {translation.state_bytes for translation in found} == {2 * 8 * 8 * 4}
    assert [translation.prompt_tokens for translation in found] == [11, 10_001]


def test_state_bytes_are_those_of_all_hypotheses_of_one_source(bundles: dict[str, Bundle]) -> None:
    found = Translator(bundles["rfa"]).translate_batch(SOURCES, SearchConfig(3, max_new_tokens=3))
    assert {translation.state_bytes for translation in found} == {3 * 2 * 8 * 8 * 4}


def test_beams_share_one_binding_until_a_source_is_done(
    bundles: dict[str, Bundle], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three steps of four hypotheses each change places in the same memory."""
    made: list[int] = []
    bind = Binding.__init__

    def count(self: Binding, *arguments: Any) -> None:
        made.append(1)
        bind(self, *arguments)

    monkeypatch.setattr(Binding, "__init__", count)
    Translator(bundles["rfa"]).translate(SOURCES[2], SearchConfig(4, max_new_tokens=12))
    assert len(made) == 2, "one for the first step, of one row, and one for all others"


def test_hypotheses_come_best_first_and_no_two_are_alike(translator: Translator) -> None:
    for found in translator.translate_batch(SOURCES, SearchConfig(4, n_best=3, max_new_tokens=LIMIT)):
        scores = [one.score for one in found.n_best]
        assert scores == sorted(scores, reverse=True)
        assert len({tuple(one.token_ids) for one in found.n_best}) == 3
        best = found.n_best[0]
        assert (found.token_ids, found.text, found.score) == (best.token_ids, best.text, best.score)
        assert all(one.finish_reason == ("stop" if one.token_ids[-1] == END else "length") for one in found.n_best)


def test_the_end_token_has_no_text(translator: Translator) -> None:
    for found in translator.translate_batch(SOURCES, SearchConfig(4, n_best=4, max_new_tokens=LIMIT)):
        for one in found.n_best:
            assert one.text == bytes(token for token in one.token_ids if token != END).decode(errors="replace")


def test_one_translator_serves_threads(translator: Translator) -> None:
    config = SearchConfig(3, max_new_tokens=LIMIT)
    wanted = [translator.translate(source, config).token_ids for source in SOURCES]
    with ThreadPoolExecutor(3) as pool:
        for _ in range(3):
            found = pool.map(lambda source: translator.translate(source, config).token_ids, SOURCES)
            assert list(found) == wanted


def test_damaged_weights_give_an_error_and_no_text(translator: Translator, monkeypatch: pytest.MonkeyPatch) -> None:
    encode = translator.encoder.encode
    monkeypatch.setattr(
        translator.encoder,
        "encode",
        lambda sources: {
            name: array * np.array(np.nan, array.dtype) if array.dtype == np.float32 else array
            for name, array in encode(sources).items()
        },
    )
    for config in (SearchConfig(), SearchConfig(2)):
        with pytest.raises(LogitsError, match="damaged"):
            translator.translate("x", config)


def test_the_figures_of_a_translation(translator: Translator) -> None:
    found = translator.translate("short", SearchConfig(2, max_new_tokens=LIMIT))
    table = found.as_table()
    assert table["prompt_tokens"] == len("short") + 1, "the end token counts"
    assert table["completion_tokens"] == len(found.token_ids)
    assert found.ttft_s > 0
    assert found.tokens_per_s > 0
    assert table["n_best"] == [
        {"token_ids": found.token_ids, "score": found.score, "finish_reason": found.finish_reason, "text": found.text}
    ]
    assert json.loads(json.dumps(table)) == table
    assert found.state_bytes > 0
    assert found.peak_rss_bytes > found.state_bytes


def test_without_a_limit_the_source_sets_one(translator: Translator) -> None:
    assert SearchConfig().limit(7) == 2 * 7 + 20
    assert translator.translate("x").completion_tokens == 2 * 2 + 20, "it never ends by itself"
    assert len(list(translator.stream("x"))) == 2 * 2 + 20


def test_no_sources_give_no_translations(translator: Translator) -> None:
    assert translator.translate_batch([]) == []


@pytest.mark.parametrize("source", ["", "  \n", []])
def test_an_empty_source_is_refused_at_once(translator: Translator, source: str | list[int]) -> None:
    with pytest.raises(PromptError, match="empty"):
        translator.translate_batch(["fine", source])
    with pytest.raises(PromptError, match="empty"):
        translator.stream(source)


def test_characters_that_the_tokenizer_does_not_know_are_named(bundles: dict[str, Bundle]) -> None:
    translator = Translator(bundles["rfa"])
    vocabulary = {"[UNK]": 0} | {letter: 1 + place for place, letter in enumerate("abcdefgh ")}
    translator.tokenizer = Tokenizer(models.BPE(vocabulary, [], unk_token="[UNK]"))
    assert translator.encode("a bad cab") == [1, 9, 2, 1, 4, 9, 3, 1, 2, END]
    with pytest.raises(PromptError, match="the model has never seen 'x', 'Ω': write the source without"):
        translator.translate("bad Ωx cabΩ")


def test_text_that_is_no_text_is_refused(translator: Translator) -> None:
    with pytest.raises(PromptError, match="half a character"):
        translator.translate("\udcff")


def test_a_source_beyond_the_limit_is_refused_before_it_costs_anything(bundles: dict[str, Bundle]) -> None:
    translator = Translator(bundles["rfa"], max_source_tokens=10)
    assert translator.translate("123456789", SearchConfig(max_new_tokens=1)).prompt_tokens == 10
    with pytest.raises(PromptError, match="11 tokens, at most 10"):
        translator.translate("1234567890")
    with pytest.raises(PromptError, match="1,000,000 characters"):
        translator.translate("x" * 1_000_000)


def test_token_ids_are_taken_as_they_are(translator: Translator) -> None:
    config = SearchConfig(max_new_tokens=LIMIT)
    assert translator.translate(list(b"short"), config).token_ids == translator.translate("short", config).token_ids
    with pytest.raises(PromptError, match="the model knows 0 to 256"):
        translator.translate([300])


@pytest.mark.parametrize(
    "settings",
    [
        {"beam": 0},
        {"beam": 2.0},
        {"n_best": 2},
        {"beam": 2, "n_best": 3},
        {"length_penalty": float("nan")},
        {"length_penalty": "1"},
        {"length_penalty": 11},
        {"early_stop": 1},
        {"max_new_tokens": 0},
        {"max_new_tokens": True},
    ],
    ids=str,
)
def test_settings_that_cannot_work_are_refused(settings: dict[str, object]) -> None:
    with pytest.raises(OptionError, match=f"{list(settings)[-1]} is .*, wanted"):
        SearchConfig(**settings)  # type: ignore[arg-type]


@pytest.mark.parametrize("longest", [0, -1, 2.5])
def test_the_limit_of_sources_is_checked(bundles: dict[str, Bundle], longest: int) -> None:
    with pytest.raises(OptionError, match="max_source_tokens is"):
        Translator(bundles["rfa"], max_source_tokens=longest)


def test_another_tasks_bundle_is_refused(toy: Bundle) -> None:
    with pytest.raises(BundleError, match="'language-model', wanted a bundle for 'translation'"):
        Translator(toy)


def test_a_bundle_that_names_no_start_is_refused(bundles: dict[str, Bundle]) -> None:
    bundle = bundles["rfa"]
    with pytest.raises(BundleError, match="names no token that starts a translation"):
        Translator(replace(bundle, manifest=replace(bundle.manifest, special_ids=SpecialIds(None, END))))


def test_a_model_without_an_end_token_goes_on_to_the_limit(tmp_path: Path) -> None:
    translator = Translator(write_toy_translator(tmp_path / "toy.rfa", eos=None))
    found = translator.translate("x", SearchConfig(2, max_new_tokens=LIMIT))
    assert (found.completion_tokens, found.finish_reason) == (LIMIT, "length")


def test_a_special_token_that_a_text_spells_is_text(translator: Translator) -> None:
    ids = translator.encode("a <end> b")
    assert ids == [*b"a <end> b", END]


def test_the_error_of_a_source_in_a_batch_says_which(translator: Translator) -> None:
    with pytest.raises(PromptError, match=r"^text 1 of 2: the source is empty"):
        translator.translate_batch(["", "a"])
