"""Every message on docs/trouble.md is what the command says today."""

from __future__ import annotations

import re
import runpy
import shlex
import shutil
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from pages import ROOT, Block, blocks
from toy_bundles import toy_files, toy_manifest

from rfa_runtime import write_bundle

PAGE = ROOT / "docs" / "trouble.md"
BUNDLES = ROOT / "tests" / "data" / "before_folders"
CONSOLE = [block for block in blocks(PAGE) if block.language == "console"]
FOREIGN = ("Torch not compiled with CUDA enabled", "is not a registered function/op")
"""Messages of other libraries, which we pass on."""
RECIPE = (ROOT / "models" / "recipes" / "pydoc-tiny.toml").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def commands() -> dict[str, click.Command]:
    found: dict[str, click.Command] = runpy.run_path(str(ROOT / "docs" / "make_help.py"))["commands"]()
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the commands of the page find."""
    folder = tmp_path_factory.mktemp("trouble")
    for name in ("model.rfa", "changed.rfa"):
        shutil.copytree(BUNDLES / "language.rfa", folder / name)
    shutil.copytree(BUNDLES / "translator.rfa", folder / "translator.rfa")
    shutil.copyfile(BUNDLES / "language.pt", folder / "model.pt")
    with (folder / "changed.rfa" / "tokenizer.json").open("a") as file:
        file.write("\n")
    files = toy_files()
    del files["tokenizer.json"]
    write_bundle(folder / "without.rfa", toy_manifest(), files)
    (folder / "bad.txt").write_bytes(b"\xff\xfe")
    (folder / "in.txt").write_text("one\n", encoding="utf-8")
    (folder / "old.txt").write_text("mine\n", encoding="utf-8")
    (folder / "short.txt").write_text("to be\n" * 2, encoding="utf-8")
    (folder / "mine.toml").write_text(RECIPE, encoding="utf-8")
    (folder / "mistake.toml").write_text(RECIPE.replace("heads =", "heds ="), encoding="utf-8")
    (folder / "words.toml").write_text(RECIPE.replace("layers = 2", 'layers = "two"'), encoding="utf-8")
    return folder


@pytest.mark.parametrize("block", CONSOLE, ids=lambda block: block.text.splitlines()[0])
def test_a_command_says_what_the_page_says(
    block: Block, folder: Path, commands: dict[str, click.Command], monkeypatch: pytest.MonkeyPatch
) -> None:
    line, message = block.text.strip().splitlines()
    name, *arguments = shlex.split(line.removeprefix("$ "))
    monkeypatch.chdir(folder)
    result = CliRunner().invoke(commands[name], arguments)
    assert result.exit_code == 2, result.output
    assert result.stderr.strip().splitlines()[-1].replace(f"{folder}/", "") == message


def test_messages_that_are_not_provoked_stand_in_the_code() -> None:
    sources = [path for folder in ("runtime", "models", "rfa_export") for path in (ROOT / folder).rglob("*.py")]
    code = re.sub(r'"\n\s*f?"', "", "\n".join(path.read_text(encoding="utf-8") for path in sources))
    messages = re.findall(r"^\| `([^`]+)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(messages) > 8
    for message in messages:
        assert message in FOREIGN or message in code, message
