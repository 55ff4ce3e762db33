"""Other runtimes write what rfa-run writes, go on from its states, and refuse what it refuses."""

from __future__ import annotations

import random
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hostile_bundles import REPEATED, hostile_bundles, with_manifest
from ports import Port, Wrote
from probes import Probe, Refused
from toy_bundles import toy_files, toy_manifest

from rfa_runtime.bundle.bundle import read_bundle, shipped_bundle, write_bundle
from rfa_runtime.tasks.conversation import Conversation
from rfa_runtime.tasks.language import Decoder

PROMPT = "Once upon a time"
TOKENS = 256
MUTATIONS = 5_000
LONGEST_LINE = 300
GREEDY: dict[str, Any] = {"max_new_tokens": 50, "ignore_eos": True, "temperature": 0}


def refusal(program: Path, *words: Any) -> str:
    """The one line that the command complains with."""
    found = subprocess.run([program, *map(str, words)], capture_output=True, text=True, check=False)
    assert found.returncode == 2
    (line,) = found.stderr.splitlines()
    return line


def by_python(bundle: Path, **settings: Any) -> Wrote:
    """What rfa-run writes."""
    found = Decoder(bundle).generate(PROMPT, **settings)
    return Wrote(list(found.token_ids), found.text, found.finish_reason)


@pytest.mark.parametrize("settings", [{"temperature": 0}, {"seed": 3}, {"seed": 4}], ids=str)
def test_the_text_is_that_of_python(port: Port, stories: Path, settings: dict[str, Any]) -> None:
    asked = {"max_new_tokens": TOKENS, "ignore_eos": True, **settings}
    assert port.write(stories, PROMPT, **asked) == by_python(stories, **asked)


def test_a_stop_string_ends_the_text(port: Port, stories: Path) -> None:
    asked = {"stop": ["named"], "seed": 3}
    assert port.write(stories, PROMPT, **asked) == by_python(stories, **asked)


def test_a_state_of_python_goes_on_there(port: Port, stories: Path, tmp_path: Path) -> None:
    talk = Conversation(Decoder(stories))
    for _ in talk.write(PROMPT, **GREEDY):
        pass
    talk.save(tmp_path / "story.state")
    wanted = [piece.token_id for piece in talk.write(" Then", **GREEDY)]
    assert port.write(stories, " Then", load=tmp_path / "story.state", **GREEDY).token_ids == wanted


def test_a_state_from_there_goes_on_in_python(port: Port, stories: Path, tmp_path: Path) -> None:
    state = tmp_path / "story.state"
    first = port.write(stories, PROMPT, save=state, **GREEDY)
    talk = Conversation.load(Decoder(stories), state)
    then = [piece.token_id for piece in talk.write(**GREEDY)]
    asked = GREEDY | {"max_new_tokens": 2 * GREEDY["max_new_tokens"]}
    assert first.token_ids + then == by_python(stories, **asked).token_ids


BAD_WORDS = [
    (["absent.rfa"], "absent.rfa does not exist, wanted a bundle"),
    ([], "0 arguments came"),
    ([shipped_bundle(), "a", "--beam", "4"], "there is no option --beam"),
    ([shipped_bundle(), "a", "--max-new-tokens", "many"], "--max-new-tokens is 'many', wanted a whole number"),
    ([shipped_bundle(), "a", "--top-p", "7"], "top_p is 7"),
    ([shipped_bundle(), "--ids", "1,9999"], "token 9999 came, wanted 0 to 511"),
    ([shipped_bundle(), "a", "--load-state", "absent.state"], "absent.state cannot be read"),
    ([shipped_bundle(), "a", "--stop", ""], "a stop string is empty"),
    ([shipped_bundle(), "a", "--seed"], "--seed came without a value"),
]


@pytest.mark.parametrize(("words", "reason"), BAD_WORDS, ids=lambda value: value if isinstance(value, str) else "")
def test_what_cannot_be_is_one_line(run_cpp: Path, words: list[Any], reason: str) -> None:
    assert reason in refusal(run_cpp, *words)


def test_a_bundle_that_changed_is_refused(run_cpp: Path, tmp_path: Path) -> None:
    bundle = Path(shutil.copytree(shipped_bundle(), tmp_path / "model.rfa"))
    data = bytearray((bundle / "model.onnx.data").read_bytes())
    data[100] ^= 1
    (bundle / "model.onnx.data").write_bytes(data)
    assert "has changed since the bundle was written" in refusal(run_cpp, bundle, "a")
    (bundle / "model.onnx.data").unlink()
    assert "is missing" in refusal(run_cpp, bundle, "a")


def test_softmax_is_refused_by_what_it_is(run_cpp: Path, tmp_path: Path) -> None:
    write_bundle(tmp_path / "toy.rfa", toy_manifest("softmax"), toy_files("softmax"))
    assert "grows with the text" in refusal(run_cpp, tmp_path / "toy.rfa", "a")


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")  # a socket
def test_hostile_bundles_are_refused_in_one_line(sanitized: Probe, tmp_path: Path) -> None:
    for bundle in hostile_bundles(tmp_path):
        with pytest.raises(Refused) as caught:
            pytest.fail(f"{bundle.name} was read: {sanitized.ask('bundle', folder=str(bundle))}")
        assert "\n" not in str(caught.value)
        assert len(str(caught.value)) < LONGEST_LINE


@pytest.mark.parametrize("sanitized", ["cpp"], indirect=True)
def test_a_key_that_comes_twice_is_refused(sanitized: Probe, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="'a' comes twice"):
        sanitized.ask("bundle", folder=str(with_manifest(tmp_path / "bad.rfa", REPEATED)))


def test_mutated_manifests_are_read_or_refused(sanitized: Probe) -> None:
    text = (shipped_bundle() / "manifest.json").read_text(encoding="utf-8")
    draw = random.Random(0)
    refused = 0
    for _ in range(MUTATIONS):
        try:
            sanitized.ask("manifest", text=mutated_text(text, draw))
        except Refused:
            refused += 1
    assert refused > MUTATIONS / 4


def mutated_text(text: str, draw: random.Random) -> str:
    """A text with a few changes."""
    for _ in range(draw.randrange(1, 4)):
        place = draw.randrange(len(text))
        end = place + draw.choice([0, 1, 1, 8, 100])
        text = text[:place] + draw.choice(["", "0", "-", '"', "{", "[", "]", "}", "9" * 30, "null", "é"]) + text[end:]
    return text


def test_mutated_states_are_refused(sanitized: Probe, tmp_path: Path) -> None:
    bundle = shipped_bundle()
    assert sanitized.ask("bundle", folder=str(bundle)) == read_bundle(bundle).sha256
    talk = Conversation(Decoder(bundle))
    talk.read(PROMPT)
    file = tmp_path / "story.state"
    talk.save(file)
    data = file.read_bytes()
    assert sanitized.ask("state", file=str(file)) == talk.token_ids.tolist()
    draw = random.Random(0)
    for _ in range(MUTATIONS):
        file.write_bytes(mutated_bytes(data, draw))
        with pytest.raises(Refused):
            sanitized.ask("state", file=str(file))


def mutated_bytes(data: bytes, draw: random.Random) -> bytes:
    """Bytes with a few changes, most of them in the header."""
    changed = bytearray(data[: draw.choice([len(data), len(data), draw.randrange(len(data))])])
    for _ in range(draw.randrange(1, 4)):
        if changed:
            place = draw.randrange(min(len(changed), draw.choice([8, 2000, len(changed)])))
            changed[place] = (changed[place] + draw.randrange(1, 256)) % 256
    return bytes(changed) if bytes(changed) != data else bytes(changed[:-1])
