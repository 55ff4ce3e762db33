"""Converting a softmax model: the student learns, and a conversion that was stopped ends as one that was not."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from others_models import GPT2, LLAMA, gpt2_tensors, llama_tensors, write_folder, write_llama2c

from rfa_models.checkpoints.checkpoint import load_checkpoint
from rfa_models.convert.pretrained.read import read_softmax_model
from rfa_models.errors import CheckpointError, ConfigError, DataError
from rfa_models.teaching import conversion, course, lecture, samples
from rfa_models.teaching.conversion import convert_softmax, fitted
from rfa_models.teaching.lessons import layers_loss, logits_loss
from rfa_models.teaching.measure import compare
from rfa_models.teaching.samples import Samples, write_samples
from rfa_models.teaching.student import new_student
from rfa_models.teaching.student_config import StudentConfig, TeachingConfig

BFLOAT16 = 0.02
"""Of a perplexity: products of 8 bits lead a student a little elsewhere, and as far."""
STUDENT = StudentConfig(random_vectors=8)
TEACHING = TeachingConfig(tokens=64 * 40, first_stage=0.25, length=16, batch_size=4, samples=64 * 16, held_out=8)


@pytest.fixture
def teacher(tmp_path: Path) -> Path:
    return write_folder(tmp_path / "llama", LLAMA, llama_tensors())


def test_student_comes_nearer_to_its_teacher(teacher: Path, tmp_path: Path) -> None:
    untaught = convert_softmax(teacher, tmp_path / "0.pt", student=STUDENT, teaching=replace(TEACHING, tokens=0))
    taught = convert_softmax(teacher, tmp_path / "1.pt", student=STUDENT, teaching=TEACHING)
    before = untaught.report.of_a_lesson["divergence"]
    after = taught.report.of_a_lesson["divergence"]
    assert untaught.finished
    assert taught.finished
    assert untaught.report.tokens == 0
    assert taught.report.tokens == TEACHING.tokens
    assert after < 0.8 * before


def test_result_is_a_checkpoint_with_its_report(teacher: Path, tmp_path: Path) -> None:
    convert_softmax(teacher, tmp_path / "student.pt", student=STUDENT, teaching=replace(TEACHING, tokens=128))
    found = load_checkpoint(tmp_path / "student.pt")
    assert found.model.config.attention.kind == "rfa"
    assert found.chat_template == "{{ messages }}"
    report = found.training["conversion"]
    assert report["teacher"] == "llama"
    assert [row["tokens"] for row in report["lengths"]] == [8, 16, 64]
    assert set(report["controls"]) == {"no attention"}
    assert not (tmp_path / "student.pt.resume").exists()
    steps = [json.loads(line) for line in (tmp_path / "student.pt.log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in steps] == [1, 2]


def test_weights_are_the_teachers_before_the_first_lesson(teacher: Path) -> None:
    given = read_softmax_model(teacher).model
    ids = torch.randint(0, 11, (4, 16), generator=torch.Generator().manual_seed(0))
    student = new_student(given, STUDENT.model(given.config), ids)
    own = student.state_dict()
    for name, tensor in given.state_dict().items():
        assert torch.equal(own[name], tensor)
    assert student.blocks[0].attention.sigma.min() >= 0.3


def stop_after(steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a lecture be interrupted, as by Ctrl-C, in the step of that number."""
    whole = lecture.Lecture.step

    def step(self: lecture.Lecture) -> float:
        if self.done + 1 == steps:
            os.kill(os.getpid(), signal.SIGINT)
        return whole(self)

    monkeypatch.setattr(lecture.Lecture, "step", step)


@pytest.mark.parametrize("steps", [3, 25], ids=["in stage 1", "in stage 2"])
def test_a_stopped_conversion_ends_as_one_that_was_not(
    teacher: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    convert_softmax(teacher, tmp_path / "whole.pt", student=STUDENT, teaching=TEACHING)
    with monkeypatch.context() as patch:
        stop_after(steps, patch)
        stopped = convert_softmax(teacher, tmp_path / "cut.pt", student=STUDENT, teaching=TEACHING)
    assert not stopped.finished
    assert load_checkpoint(tmp_path / "cut.pt").training["conversion"]["tokens"] == steps * TEACHING.step_tokens
    ended = convert_softmax(teacher, tmp_path / "cut.pt", student=STUDENT, teaching=TEACHING)
    assert ended.finished
    wanted = load_checkpoint(tmp_path / "whole.pt").model.state_dict()
    for name, tensor in load_checkpoint(tmp_path / "cut.pt").model.state_dict().items():
        assert torch.equal(tensor, wanted[name])


class Killed(BaseException):
    """Nobody in the package catches it."""


def dying(call: Callable[..., Any], times: int) -> Callable[..., Any]:
    """A function that works so often, and is then the last that its process does."""
    left = iter(range(times))

    def counted(*arguments: Any) -> Any:
        if next(left, None) is None:
            raise Killed
        return call(*arguments)

    return counted


@pytest.mark.parametrize(
    ("where", "name", "times"),
    [
        (samples, "sample", 1),
        (lecture, "layers_loss", 4),
        (lecture, "logits_loss", 12),
        (conversion, "measure", 0),
        (conversion, "save_checkpoint", 0),
    ],
)
def test_a_conversion_that_was_killed_goes_on(
    teacher: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: ModuleType, name: str, times: int
) -> None:
    convert_softmax(teacher, tmp_path / "whole.pt", student=STUDENT, teaching=TEACHING)
    with monkeypatch.context() as patch:
        patch.setattr(where, name, dying(getattr(where, name), times))
        with pytest.raises(Killed):
            convert_softmax(teacher, tmp_path / "cut.pt", student=STUDENT, teaching=TEACHING)
    assert not (tmp_path / "cut.pt").exists()
    assert convert_softmax(teacher, tmp_path / "cut.pt", student=STUDENT, teaching=TEACHING).finished
    wanted = load_checkpoint(tmp_path / "whole.pt").model.state_dict()
    for key, tensor in load_checkpoint(tmp_path / "cut.pt").model.state_dict().items():
        assert torch.equal(tensor, wanted[key])


def test_a_resume_file_of_another_conversion_is_refused(
    teacher: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        stop_after(3, patch)
        convert_softmax(teacher, tmp_path / "a.pt", student=STUDENT, teaching=TEACHING)
    with pytest.raises(CheckpointError, match="another teacher or other settings"):
        convert_softmax(teacher, tmp_path / "a.pt", student=replace(STUDENT, random_vectors=4), teaching=TEACHING)
    (tmp_path / "a.pt.resume").write_bytes(b"nothing")
    with pytest.raises(CheckpointError, match=r"a\.pt\.resume"):
        convert_softmax(teacher, tmp_path / "a.pt", student=STUDENT, teaching=TEACHING)
    again = convert_softmax(
        teacher, tmp_path / "a.pt", student=STUDENT, teaching=TEACHING, restart=True, overwrite=True
    )
    assert again.finished


def test_half_precision_teaches_as_well(teacher: Path, tmp_path: Path) -> None:
    whole = convert_softmax(teacher, tmp_path / "a.pt", student=STUDENT, teaching=TEACHING)
    half = replace(TEACHING, precision="bfloat16")
    found = convert_softmax(teacher, tmp_path / "b.pt", student=STUDENT, teaching=half)
    assert found.report.of_a_lesson["ratio"] == pytest.approx(whole.report.of_a_lesson["ratio"], rel=BFLOAT16)
    assert found.report.of_a_lesson["ratio"] != whole.report.of_a_lesson["ratio"]


def test_time_ends_a_lecture_too(teacher: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(course, "EVERY", 10**9)
    short = replace(TEACHING, tokens=10**9, minutes=0.002)
    found = convert_softmax(teacher, tmp_path / "a.pt", student=STUDENT, teaching=short)
    assert found.finished
    assert 0 < found.report.tokens < 10**6


def test_text_of_a_file_is_learned_from(teacher: Path, tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text("a b c d e f g h " * 40)
    found = convert_softmax(
        teacher,
        tmp_path / "a.pt",
        student=STUDENT,
        teaching=replace(TEACHING, samples=0),
        texts=[text],
        measured=[text],
    )
    assert found.report.tokens == TEACHING.tokens
    assert [(row["name"], row["tokens"]) for row in found.report.texts] == [("text.txt", 320)]
    text.write_text("a b")
    with pytest.raises(DataError, match="less than 16 tokens of text"):
        convert_softmax(teacher, tmp_path / "b.pt", teaching=replace(TEACHING, samples=0), texts=[text])


def test_a_window_alone_can_be_taught(teacher: Path, tmp_path: Path) -> None:
    student = StudentConfig(window=4, window_alone=True)
    found = convert_softmax(teacher, tmp_path / "a.pt", student=student, teaching=TEACHING)
    attention = load_checkpoint(tmp_path / "a.pt").model.config.attention
    assert (attention.kind, attention.window) == ("softmax", 4)
    assert set(found.report.controls) == {"no attention"}
    with pytest.raises(ConfigError, match="without a window"):
        StudentConfig(window_alone=True)


def test_a_model_at_the_output_is_not_replaced(teacher: Path, tmp_path: Path) -> None:
    (tmp_path / "a.pt").write_bytes(b"somebody's")
    with pytest.raises(ConfigError, match="exists"):
        convert_softmax(teacher, tmp_path / "a.pt", teaching=TEACHING)
    assert (tmp_path / "a.pt").read_bytes() == b"somebody's"


def test_samples_are_written_once(tmp_path: Path) -> None:
    given = read_softmax_model(write_llama2c(tmp_path, llama_tensors(tied=True))).model
    samples = Samples(tmp_path / "samples", "teacher", rows=70, length=8, first=1, seed=3)
    samples.folder.mkdir()
    first = write_samples(given, samples, lambda done: None)
    assert first.shape == (70, 9)
    assert (first[:, 0] == 1).all()
    times = [file.stat().st_mtime_ns for file in samples.parts()]
    assert torch.equal(write_samples(given, samples, lambda done: None), first)
    assert [file.stat().st_mtime_ns for file in samples.parts()] == times
    samples.parts()[0].write_bytes(b"cut")
    with pytest.raises(DataError, match="remove it"):
        write_samples(given, samples, lambda done: None)


def test_a_model_beside_itself_is_its_equal(teacher: Path) -> None:
    given = read_softmax_model(teacher).model
    texts = torch.randint(0, 11, (4, 17), generator=torch.Generator().manual_seed(0))
    figures = compare(given, given, texts)
    assert figures.ratio == 1.0
    assert abs(figures.divergence) < 1e-9


def test_samples_of_another_teacher_are_not_taken(teacher: Path, tmp_path: Path) -> None:
    short = replace(TEACHING, tokens=64)
    other = {name: tensor.flip(0) for name, tensor in llama_tensors().items()}
    convert_softmax(teacher, tmp_path / "a.pt", student=STUDENT, teaching=short)
    again = write_folder(tmp_path / "other", LLAMA, other)
    found = convert_softmax(again, tmp_path / "a.pt", student=STUDENT, teaching=short, overwrite=True)
    alone = convert_softmax(again, tmp_path / "b.pt", student=STUDENT, teaching=short)
    assert found.report.lengths == alone.report.lengths
    assert len((tmp_path / "a.pt.log.jsonl").read_text().splitlines()) == 1


def test_the_first_stage_is_half_of_short_lessons_and_less_of_long_ones() -> None:
    assert TeachingConfig(tokens=100_000).first_share == 0.5
    assert TeachingConfig(tokens=5_000_000).first_share == 0.25
    assert TeachingConfig(tokens=100_000, first_stage=0.1).first_share == 0.1


def test_more_minutes_do_not_lead_back_to_the_first_stage(
    teacher: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        stop_after(25, patch)
        convert_softmax(teacher, tmp_path / "a.pt", student=STUDENT, teaching=replace(TEACHING, minutes=100.0))
    convert_softmax(teacher, tmp_path / "a.pt", student=STUDENT, teaching=replace(TEACHING, minutes=10000.0))
    stages = [json.loads(line)["stage"] for line in (tmp_path / "a.pt.log.jsonl").read_text().splitlines()]
    assert stages == sorted(stages)
    assert len(stages) == 40


def test_weights_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    tensors = llama_tensors()
    tensors["lm_head.weight"][0, 0] = torch.nan
    with pytest.raises(CheckpointError, match="holds numbers that are not finite"):
        read_softmax_model(write_folder(tmp_path / "llama", LLAMA, tensors))


def test_a_layer_that_always_gives_the_same_is_learned_from(tmp_path: Path) -> None:
    tensors = llama_tensors()
    tensors["model.layers.0.self_attn.o_proj.weight"].zero_()
    teacher = write_folder(tmp_path / "llama", LLAMA, tensors)
    found = convert_softmax(teacher, tmp_path / "a.pt", student=STUDENT, teaching=TEACHING)
    assert found.finished


def lecture_of(teacher: Path, window: int = 16, farthest: int = 0) -> lecture.Lecture:
    """Lessons of a student whose window is as long as a text: it is its teacher."""
    given = read_softmax_model(teacher).model
    texts = torch.randint(0, 11, (6, 17), generator=torch.Generator().manual_seed(0))
    config = StudentConfig(window=window, window_alone=True).model(given.config)
    student = new_student(given, config, texts[:, :-1])
    return lecture.Lecture(student, given, texts, replace(TEACHING, farthest_start=farthest), seed=0)


def test_lessons_begin_at_positions_of_their_own(teacher: Path) -> None:
    lessons = lecture_of(teacher, farthest=1000)
    ids = lessons.batch()[:, :-1]
    first = lessons.positions(ids)
    assert torch.equal(first - first[:, :1], torch.arange(16).expand(4, 16))
    assert len(set(first[:, 0].tolist())) == 4
    assert torch.equal(lessons.positions(ids), first)
    lessons.done += 1
    assert not torch.equal(lessons.positions(ids), first)
    assert torch.equal(lecture_of(teacher).positions(ids), torch.arange(16).expand(4, 16))


@pytest.mark.parametrize("ask", [layers_loss, logits_loss])
def test_nothing_is_lost_by_a_student_that_is_its_teacher(teacher: Path, ask: Any) -> None:
    for window, equal in ((16, True), (2, False)):
        lessons = lecture_of(teacher, window, farthest=1000)
        ids = lessons.batch()[:, :-1]
        loss = ask(lessons.student, lessons.teacher, ids, lessons.positions(ids)).item()
        assert (abs(loss) < 1e-6) == equal


def test_lessons_of_learned_positions_begin_at_zero(tmp_path: Path) -> None:
    given = read_softmax_model(write_folder(tmp_path / "gpt2", GPT2, gpt2_tensors())).model
    assert fitted(TEACHING, given).farthest_start == 0
    assert fitted(replace(TEACHING, length=999, tokens=4096), given).length == 32


@pytest.mark.parametrize("ask", [layers_loss, logits_loss])
def test_a_student_with_features_hears_where_a_text_begins(teacher: Path, ask: Any) -> None:
    given = read_softmax_model(teacher).model
    ids = torch.randint(0, 11, (4, 16), generator=torch.Generator().manual_seed(0))
    student = new_student(given, STUDENT.model(given.config), ids)
    counted = torch.arange(16).expand(4, 16)
    here = ask(student, given, ids, counted).item()
    there = ask(student, given, ids, counted + 500).item()
    assert abs(here - there) > 1e-4
