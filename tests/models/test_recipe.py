"""Recipes: those that ship build their models, mistakes are named with the file and the key."""

from pathlib import Path

import pytest
import torch

from rfa_models.errors import ConfigError
from rfa_models.language_model import LanguageModel
from rfa_models.recipe import read_recipe

RECIPES = sorted((Path(__file__).parents[2] / "models/recipes").glob("*.toml"))


def test_there_are_recipes():
    assert RECIPES


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_every_shipped_recipe_loads_and_builds_its_model(path):
    recipe = read_recipe(path)
    model = LanguageModel(recipe.model_config(recipe.tokenizer.vocab_size)).eval()
    assert model(torch.zeros(1, 3, dtype=torch.int64)).shape == (1, 3, recipe.tokenizer.vocab_size)


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_every_shipped_recipe_shows_a_command_that_names_it(path):
    assert f"rfa-train models/recipes/{path.name}" in path.read_text(encoding="utf-8")


def test_a_recipe_needs_only_its_model(tmp_path):
    path = tmp_path / "recipe.toml"
    path.write_text("[model]\n")
    assert read_recipe(path).data.train == ("pydoc",)
    assert read_recipe(path).model_config(300).vocab_size == 300


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"\[recipe\] has no 'model'"),
        ("[model", "not TOML"),
        ("\ufeff[model]", "not TOML"),
        ("[model]\nlayer = 2", r"unknown key 'layer' in \[model\]: did you mean 'layers'\?"),
        ("[model]\n[model.attention]\nhead = 2", r"unknown key 'head' in \[model.attention\]: did you mean 'heads'\?"),
        ("[model]\n[train]\nstep = 2", r"unknown key 'step' in \[recipe.train\]: did you mean 'steps'\?"),
        ("[model]\nlayers = 0", "layers is 0, wanted a whole number from 1 to 1,048,576"),
        ("[model]\ndropout = 1.0", "dropout is 1.0"),
        ("[model]\nvocab_size = 10", "which the tokenizer decides: set it in"),
        ("[model]\ndropout = 1" + "0" * 400, "model.dropout is a number of 1,329 bits"),
        ("[model]\n[train]\nsteps = 1" + "0" * 5000, "not TOML: Exceeds the limit"),
        ("[model]\n[train]\nx = " + "[" * 5000, "not TOML: maximum recursion depth"),
        ("[model]\n[train]\nbeta2 = 1.5", "beta2 is 1.5, wanted a number from 0 up to, not including, 1"),
        ("[model]\n[tokenizer]\nvocab_size = -1", "vocab_size is -1, wanted a whole number from 0"),
        ("[model]\n[data]\nvalid_fraction = 1.5", "valid_fraction is 1.5"),
        ("[model]\n[data]\ntrain = 'a.txt'", "recipe.data.train is 'a.txt', wanted a list"),
        ("[model]\n[train]\nprecision = 'int4'", "wanted one of float32, bfloat16, float16"),
        ("[model]\n[model.attention]\nheads = 3\nhead_dim = 5", "even width"),
    ],
)
def test_mistakes_are_named_with_the_file(tmp_path, text, message):
    path = tmp_path / "recipe.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=message) as error:
        read_recipe(path)
    assert "recipe.toml" in str(error.value)


def test_a_recipe_that_is_not_text_is_refused(tmp_path):
    path = tmp_path / "recipe.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="not TOML"):
        read_recipe(path)


def test_a_recipe_that_is_not_there_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_recipe(tmp_path / "recipe.toml")
