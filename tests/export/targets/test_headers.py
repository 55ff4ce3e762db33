"""Target `web`: how long browsers keep each file."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner
from pages import ROOT

from rfa_export.commands.export import main
from rfa_export.targets.export_config import names_in
from rfa_runtime.bundle.bundle import read_bundle

STORIES = ROOT / "models" / "pretrained" / "stories.pt"


def test_a_target_brings_what_it_is_made_of() -> None:
    assert names_in("web, plain") == ("ort", "web", "plain")
    assert names_in("ort,mobile") == ("ort", "mobile")
    assert names_in("abacus") == ("abacus",)


def test_every_file_has_a_rule_and_weights_have_four_bits(tmp_path: Path) -> None:
    folder = tmp_path / "stories.rfa"
    result = CliRunner().invoke(
        main, [str(STORIES), "-o", str(folder), "--target", "web", "--verify", "ours", "--json"]
    )
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert (found["targets"], found["precision"]) == (["ort", "web"], "int4")
    bundle = read_bundle(folder)
    rules = (folder / "_headers").read_text().splitlines()
    kept = dict(zip(rules[::2], rules[1::2], strict=True))
    assert kept.pop("/*/manifest.json") == "  Cache-Control: no-cache"
    assert {*kept} == {f"/*/{name}" for name in bundle.manifest.files if name != "_headers"}
    assert all(line.endswith("immutable") for line in kept.values())
