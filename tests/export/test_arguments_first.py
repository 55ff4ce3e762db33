"""What is wrong with the arguments of an export is said before anything is traced."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from small_models import OneLayer, classifier

from rfa_export import pipeline
from rfa_export.errors import TargetError
from rfa_export.targets.export_config import ExportConfig
from rfa_export.tasks.classification import ClassifierExport
from rfa_export.tasks.language import LanguageExport
from rfa_models.data.tokenizer import byte_tokenizer
from rfa_runtime.bundle.manifest import SpecialIds

NEW = "new.rfa"


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("taken.txt").write_text("something else", encoding="utf-8")


@pytest.mark.parametrize(
    ("folder", "arguments", "message"),
    [
        ("absent/new.rfa", {}, "absent is not a folder: make it first"),
        ("taken.txt", {}, "taken.txt exists: give another name, or overwrite=True"),
        ("taken.txt", {"overwrite": True}, "taken.txt exists and is not a bundle"),
        (NEW, {"tokenizer": Path("absent.json")}, "No such file or directory: 'absent.json'"),
        (NEW, {"tokenizer": "taken.txt"}, "taken.txt: not a tokenizer"),
        (NEW, {"tokenizer": 3}, "tokenizer is int, wanted a tokenizers.Tokenizer or the path"),
        (NEW, {"special_ids": SpecialIds(300)}, "special_ids has 300, which is no token of the tokenizer with its 256"),
        (NEW, {"special_ids": SpecialIds(None, 1, (-1,))}, "special_ids has -1, wanted the number of a token"),
        (NEW, {"special_ids": SpecialIds("</s>")}, "special_ids has '</s>', wanted the number of a token"),  # type: ignore[arg-type]
        (NEW, {"special_ids": {"eos": 1}}, "special_ids is dict, wanted a SpecialIds"),
        (NEW, {"sampling": {"top_k": -2}}, "top_k is -2, wanted a whole number"),
        (NEW, {"sampling": "greedy"}, "sampling is str, wanted a SamplingConfig, or a mapping"),
        (NEW, {"chat_template": 3}, "chat_template is int, wanted a text in the language of Jinja"),
        (NEW, {"segment_length": -1}, "segment_length is -1, wanted a whole number"),
        (NEW, {"config": {"precision": "int4"}}, "config is dict, wanted an ExportConfig"),
        (NEW, {"config": ExportConfig(text="a")}, "the text to report the perplexity on has fewer than 2 tokens"),
        (NEW, {"config": ExportConfig(text="a text"), "tokenizer": None}, "perplexity is that of a language model"),
    ],
)
def test_a_module_is_not_traced_for_wrong_arguments(folder: str, arguments: dict[str, Any], message: str) -> None:
    given = {"tokenizer": byte_tokenizer(), "progress": pytest.fail} | arguments
    with pytest.raises((ValueError, OSError), match=re.escape(message)):
        pipeline.export_module(OneLayer(), folder, **given)
    assert [path.name for path in Path().iterdir()] == ["taken.txt"]


@pytest.mark.parametrize("target", ["genai", "triton"])
def test_a_task_is_not_traced_for_a_target_that_cannot_have_it(target: str) -> None:
    task = ClassifierExport(classifier(), 256, ("no", "perhaps", "yes"))
    with pytest.raises(TargetError, match="language models"):
        pipeline.export_task(task, NEW, progress=pytest.fail, config=ExportConfig(("ort", target)))


@pytest.mark.parametrize(
    ("checkpoint", "folder", "text", "message"),
    [
        ("absent.pt", NEW, None, "No such file or directory: 'absent.pt'"),
        ("taken.txt", NEW, "absent.txt", "No such file or directory: 'absent.txt'"),
        ("taken.txt", "absent/new.rfa", None, "absent is not a folder: make it first"),
        ("taken.txt", "taken.txt", None, "taken.txt exists: give another name, or overwrite=True"),
    ],
)
def test_a_checkpoint_is_not_loaded_for_wrong_arguments(
    checkpoint: str, folder: str, text: str | None, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "load_checkpoint", pytest.fail)
    with pytest.raises((ValueError, OSError), match=re.escape(message)):
        pipeline.export_file(checkpoint, folder, progress=pytest.fail, text=text)


def test_a_folder_may_be_named_by_a_text(gated_task: LanguageExport) -> None:
    exported = pipeline.export_task(gated_task, NEW, progress=lambda _: None)
    assert exported.bundle == Path(NEW)
    assert exported.bytes == sum(path.stat().st_size for path in Path(NEW).iterdir())
