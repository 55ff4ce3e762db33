"""The main path against a plain loop over the whole-sequence reference."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer, decoders, models
from toy_bundles import END, byte_tokenizer, toy_files
from toy_graphs import VOCAB, reference_logits

from rfa_runtime.bundle.bundle import Bundle, write_bundle
from rfa_runtime.bundle.manifest import SpecialIds
from rfa_runtime.decoding.continuation import Request
from rfa_runtime.decoding.prompt import CHUNK, read_in_chunks
from rfa_runtime.decoding.sampling_config import SamplingConfig
from rfa_runtime.errors import BundleError, OptionError, PromptError
from rfa_runtime.memory import current_rss_bytes, peak_rss_bytes
from rfa_runtime.tasks.language import Decoder

PROMPTS = ["Once upon", "a", "The quick brown fox jumps over the lazy dog", "é😀"]
CHANCE = SamplingConfig(temperature=1.5, seed=3)


def greedy(prompt: list[int], count: int, kind: str) -> list[int]:
    """Every token from the whole sequence so far, in float64."""
    ids = list(prompt)
    for _ in range(count):
        ids.append(int(reference_logits(np.array([ids]), kind)[0, -1].argmax()))
    return ids[len(prompt) :]


@pytest.fixture
def decoder(toys: Callable[..., Bundle], kind: str) -> Decoder:
    return Decoder(toys(kind), threads=1)


def test_greedy_decoding_is_the_reference_token_for_token(decoder: Decoder, kind: str) -> None:
    for prompt in PROMPTS:
        found = decoder.generate(prompt, max_new_tokens=30)
        assert found.token_ids == greedy(list(prompt.encode()), 30, kind)
        assert found.text == bytes(t for t in found.token_ids if t < END).decode(errors="replace")
        assert found.finish_reason == "length"
        assert (found.prompt_tokens, found.completion_tokens) == (len(prompt.encode()), 30)


def test_a_prompt_is_read_in_chunks_with_the_same_result(decoder: Decoder) -> None:
    session = decoder.session
    ids = list(PROMPTS[2].encode())
    at_once = read_in_chunks(session, ids, session.new_state())
    in_parts = read_in_chunks(session, ids, session.new_state(), chunk=7)
    np.testing.assert_allclose(in_parts, at_once, atol=1e-5)


def test_reading_a_prompt_tells_how_far_it_is(toy: Bundle) -> None:
    heard = []
    length = 2 * CHUNK + 7
    ids = [1] * length
    next(Decoder(toy, threads=1).stream(ids, progress=lambda done, total: heard.append((done, total))))
    assert heard == [(CHUNK, length), (2 * CHUNK, length), (length, length)]


def test_the_error_of_a_text_in_a_batch_says_which(toy: Bundle) -> None:
    decoder = Decoder(toy, threads=1)
    with pytest.raises(PromptError, match=r"^text 2 of 3: the prompt is empty"):
        decoder.generate_batch(["a", "", "b"])
    with pytest.raises(PromptError, match=r"^the prompt is empty"):
        decoder.generate_batch([""])


def test_one_text_may_stand_where_a_list_is_meant(toy: Bundle) -> None:
    decoder = Decoder(toy, threads=1)
    whole = decoder.generate("Once", max_new_tokens=20)
    assert [row.token_ids for row in decoder.generate_batch("Once", max_new_tokens=20)] == [whole.token_ids]
    rows = decoder.generate_batch(np.array([list(b"Once"), list(b"Once")]), max_new_tokens=20)
    assert [row.token_ids for row in rows] == [whole.token_ids] * 2
    stop = whole.text[3:5]
    assert decoder.generate("Once", stop=stop).text == decoder.generate("Once", stop=[stop]).text == whole.text[:3]


def test_any_of_several_tokens_ends_a_text(toys: Callable[..., Bundle]) -> None:
    whole = Decoder(toys(), threads=1).generate("Once", max_new_tokens=30)
    ends = SpecialIds(None, 999 % VOCAB, (whole.token_ids[5], END))
    decoder = Decoder(toys(special_ids=ends), threads=1)
    first = whole.token_ids.index(whole.token_ids[5])
    found = decoder.generate("Once", max_new_tokens=30)
    assert (found.token_ids, found.finish_reason) == (whole.token_ids[: first + 1], "stop")
    assert decoder.generate("Once", max_new_tokens=30, ignore_eos=True).token_ids == whole.token_ids


def test_the_name_of_a_special_token_stops_at_the_token(toy: Bundle) -> None:
    decoder = Decoder(toy, threads=1)
    settings = {"temperature": 2.0, "seed": 0, "max_new_tokens": 3000}
    whole = decoder.generate("Once", **settings)
    place = whole.token_ids.index(END)
    found = decoder.generate("Once", stop="<end>", **settings)
    assert (found.token_ids, found.finish_reason) == (whole.token_ids[: place + 1], "stop")


def test_a_tokenizer_of_a_bundle_cuts_no_prompt(toy: Bundle, tmp_path: Path) -> None:
    cutting = byte_tokenizer()
    cutting.enable_truncation(3)
    cutting.enable_padding(length=8)
    write_bundle(tmp_path / "cut.rfa", toy.manifest, toy_files() | {"tokenizer.json": cutting.to_str().encode()})
    assert Decoder(tmp_path / "cut.rfa", threads=1).generate("Once", max_new_tokens=1).prompt_tokens == 4


def test_ids_that_begin_with_the_start_token_keep_their_one(toys: Callable[..., Bundle]) -> None:
    decoder = Decoder(toys(special_ids=SpecialIds(bos=65)), threads=1)
    assert decoder.generate([65, *b"Once"]).token_ids == decoder.generate("Once").token_ids


def test_sampling_may_be_a_mapping(toy: Bundle) -> None:
    decoder = Decoder(toy, threads=1)
    table = {"temperature": 1.5, "seed": 3}
    assert decoder.generate("Once", sampling=table).token_ids == decoder.generate("Once", CHANCE).token_ids
    with pytest.raises(OptionError, match="unknown setting 'top'"):
        decoder.generate("Once", sampling={"top": 1})


def test_two_calls_write_the_text_of_one(toy: Bundle, tmp_path: Path) -> None:
    words = Tokenizer(models.WordLevel({f"▁w{token}": token for token in range(VOCAB)}, unk_token="▁w0"))
    words.decoder = decoders.Metaspace()
    files = toy_files() | {"tokenizer.json": words.to_str().encode()}
    write_bundle(tmp_path / "words.rfa", toy.manifest, files)
    decoder = Decoder(tmp_path / "words.rfa", threads=1)
    whole = decoder.generate([40, 41], max_new_tokens=6)
    first = decoder.generate([40, 41], max_new_tokens=2)
    second = decoder.generate([40, 41, *first.token_ids], max_new_tokens=4)
    assert first.text + second.text == whole.text
    assert "w40 w41" + whole.text == words.decode([40, 41, *whole.token_ids])


def test_a_request_and_keywords_say_the_same(decoder: Decoder) -> None:
    request = Request(CHANCE, max_new_tokens=20, stop=("zz",))
    whole = decoder.generate("Once", request)
    keywords = {"temperature": 1.5, "seed": 3, "max_new_tokens": 20, "stop": ["zz"]}
    assert decoder.generate("Once", **keywords).token_ids == whole.token_ids
    assert decoder.generate("Once", CHANCE, max_new_tokens=20, stop=["zz"]).token_ids == whole.token_ids
    assert [piece.token_id for piece in decoder.stream("Once", **keywords)] == whole.token_ids
    assert decoder.generate_batch(["Once"], request)[0].token_ids == whole.token_ids


def test_keywords_are_put_over_a_request(decoder: Decoder) -> None:
    request = Request(CHANCE, max_new_tokens=20)
    assert decoder.generate("Once", request, max_new_tokens=3).completion_tokens == 3
    whole = decoder.generate("Once", request)
    stopping = Request(CHANCE, max_new_tokens=20, stop=(whole.text[4:6],))
    assert decoder.generate("Once", stopping).text == whole.text[: whole.text.index(whole.text[4:6])]
    assert decoder.generate("Once", stopping, stop=()).text == whole.text
    other = decoder.generate("Once", request, seed=4)
    assert other.token_ids == decoder.generate("Once", temperature=1.5, seed=4, max_new_tokens=20).token_ids


def test_who_asks_for_chance_gets_temperature_1(decoder: Decoder) -> None:
    wanted = decoder.generate("Once", temperature=1.0, seed=4, max_new_tokens=20)
    assert decoder.generate("Once", seed=4, max_new_tokens=20).token_ids == wanted.token_ids
    greedy = decoder.generate("Once", max_new_tokens=20)
    assert decoder.generate("Once", seed=None, max_new_tokens=20).token_ids == greedy.token_ids


def test_the_stream_is_the_text_one_piece_per_token(decoder: Decoder) -> None:
    whole = decoder.generate("Once", CHANCE, max_new_tokens=40)
    pieces = list(decoder.stream("Once", CHANCE, max_new_tokens=40))
    assert [piece.token_id for piece in pieces] == whole.token_ids
    assert "".join(piece.text for piece in pieces) == whole.text
    assert [piece.finish_reason for piece in pieces] == [None] * 39 + ["length"]


def test_prompts_may_be_token_ids(decoder: Decoder) -> None:
    assert decoder.generate(list(b"Once")).token_ids == decoder.generate("Once").token_ids


@pytest.mark.parametrize("sampling", [SamplingConfig(), CHANCE])
def test_a_text_does_not_depend_on_the_others_in_its_batch(decoder: Decoder, sampling: SamplingConfig) -> None:
    together = decoder.generate_batch(PROMPTS, sampling, max_new_tokens=20)
    fewer = decoder.generate_batch(PROMPTS[:2], sampling, max_new_tokens=20)
    assert [g.token_ids for g in together[:2]] == [g.token_ids for g in fewer]
    assert together[0].token_ids == decoder.generate(PROMPTS[0], sampling, max_new_tokens=20).token_ids
    assert [g.prompt_tokens for g in together] == [len(prompt.encode()) for prompt in PROMPTS]
    assert decoder.generate_batch([]) == []


def test_finished_texts_leave_the_batch_and_the_others_go_on(decoder: Decoder) -> None:
    alone = [decoder.generate_batch(PROMPTS[: row + 1], CHANCE, max_new_tokens=60)[row] for row in range(4)]
    stop = [alone[1].text[5:8], alone[3].text[20:22]]
    together = decoder.generate_batch(PROMPTS, CHANCE, max_new_tokens=60, stop=stop)
    assert together[1].finish_reason == "stop"
    assert together[1].text == alone[1].text[:5]
    assert len({found.completion_tokens for found in together}) > 1
    for found, unstopped in zip(together, alone, strict=True):
        assert found.token_ids == unstopped.token_ids[: found.completion_tokens]
        assert unstopped.text.startswith(found.text)


def test_the_end_token_ends_the_text_unless_ignored(toys: Callable[..., Bundle]) -> None:
    plain = Decoder(toys()).generate("Once", max_new_tokens=30)
    eos = plain.token_ids[10]
    first = plain.token_ids.index(eos)
    decoder = Decoder(toys(special_ids=SpecialIds(eos=eos)))
    found = decoder.generate("Once", max_new_tokens=30)
    assert (found.finish_reason, found.token_ids) == ("stop", plain.token_ids[: first + 1])
    assert found.text == decoder.tokenizer.decode(plain.token_ids[:first])
    assert decoder.generate("Once", max_new_tokens=30, ignore_eos=True).token_ids == plain.token_ids


def test_a_start_token_comes_first_and_makes_an_empty_prompt_possible(toys: Callable[..., Bundle]) -> None:
    decoder = Decoder(toys(special_ids=SpecialIds(bos=65)))
    assert decoder.generate("", max_new_tokens=20).token_ids == greedy([65], 20, "rfa")
    assert decoder.generate("bc", max_new_tokens=20).token_ids == greedy(list(b"Abc"), 20, "rfa")
    assert decoder.generate("bc").prompt_tokens == 3


def test_the_bundle_has_its_own_sampling(toys: Callable[..., Bundle]) -> None:
    decoder = Decoder(toys(sampling={"temperature": 1.5, "seed": 3}))
    assert decoder.generate("Once").token_ids == Decoder(toys()).generate("Once", CHANCE).token_ids


def test_state_bytes_are_those_of_one_text(toys: Callable[..., Bundle]) -> None:
    decoder = Decoder(toys())
    assert decoder.generate("Once", max_new_tokens=2).state_bytes == 2 * 8 * 8 * 4
    assert {found.state_bytes for found in decoder.generate_batch(PROMPTS, max_new_tokens=2)} == {2 * 8 * 8 * 4}


def test_times_and_memory_are_there(decoder: Decoder) -> None:
    found = decoder.generate("Once", max_new_tokens=5)
    assert found.ttft_s > 0
    assert found.tokens_per_s > 0
    assert 10_000_000 < found.peak_rss_bytes <= peak_rss_bytes()
    assert decoder.generate("Once", max_new_tokens=1).tokens_per_s == 0


def test_a_text_without_limit_needs_no_more_memory(toys: Callable[..., Bundle]) -> None:
    pieces = Decoder(toys(), threads=1).stream("Once", max_new_tokens=None, ignore_eos=True)
    for _ in itertools.islice(pieces, 2000):
        pass
    before = current_rss_bytes()
    for _ in itertools.islice(pieces, 20_000):
        pass
    assert current_rss_bytes() - before < 1_000_000


@pytest.mark.parametrize(
    ("prompt", "words"),
    [("", "empty"), ([], "empty"), ([VOCAB], "0 to 256"), ([-1], "from -1"), ("\udcff", "half a character")],
)
def test_prompts_that_cannot_be_continued_are_refused_at_once(decoder: Decoder, prompt: str, words: str) -> None:
    with pytest.raises(PromptError, match=words):
        decoder.stream(prompt)
    with pytest.raises(PromptError, match=words):
        decoder.generate_batch(["fine", prompt])


def test_limits_are_checked_at_once(decoder: Decoder) -> None:
    for limit in (0, -1, 2.5, True):
        with pytest.raises(OptionError, match="max_new_tokens"):
            decoder.stream("Once", max_new_tokens=limit)
    with pytest.raises(OptionError, match="stop"):
        decoder.stream("Once", stop=[""])


def test_a_bundle_for_another_task_is_refused(toys: Callable[..., Bundle]) -> None:
    with pytest.raises(BundleError, match="for the task 'translation'"):
        Decoder(toys(task="translation"))


def test_a_bundle_without_tokenizer_takes_ids(tmp_path: object, toys: Callable[..., Bundle]) -> None:
    toy = toys()
    files = {name: toy.path / name for name in ("model.onnx", "model.score.onnx")}
    write_bundle(f"{tmp_path}/mute.rfa", toy.manifest, files)
    decoder = Decoder(f"{tmp_path}/mute.rfa")
    found = decoder.generate(list(b"Once"), max_new_tokens=20)
    assert found.token_ids == greedy(list(b"Once"), 20, "rfa")
    assert found.text == ""
    with pytest.raises(PromptError, match=r"no tokenizer\.json: give the prompt as token ids"):
        decoder.generate("Once")
