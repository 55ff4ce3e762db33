"""ListOps: answers that others have computed, and expressions as Long Range Arena draws them."""

import random
from collections import Counter
from itertools import islice
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from rfa_models.data import listops
from rfa_models.data.listops import EPILOG, draw, evaluate, flat, listops_rows, main
from rfa_models.errors import ConfigError, DataError

ANSWERED = Path(__file__).parents[3] / "../shared/data/listops-short/test_d20s.tsv"


def short_rows(count: int = 300, seed: int = 5, **settings: int) -> list[tuple[str, str]]:
    return list(listops_rows(count, seed, **({"shortest": 10, "longest": 60} | settings)))


def write_table(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["table.tsv", "--shortest", "5", "--longest", "40", *arguments])


def depth(expression: str) -> int:
    """Levels of nodes, the digits' included."""
    level = deepest = 1
    for token in flat(expression).split():
        level += token.startswith("[") - (token == "X")
        deepest = max(deepest, level)
    return deepest


@pytest.mark.parametrize(
    ("expression", "answer"),
    [
        ("7", 7),
        ("[MIN 4 2 9 X", 2),
        ("[MAX 4 2 9 ]", 9),
        ("[MED 1 9 3 X", 3),
        ("[MED 1 8 3 4 X", 3),  # 3.5, cut
        ("[SM 9 9 9 X", 7),
        ("[MAX 2 [MIN 8 [SM 5 6 ] ] [MED 0 9 ] ]", 4),
        ("( ( ( [MAX 2 ) 9 ) ] )", 9),
        ("( ( ( [SM 4 ) ( ( ( ( [MED 1 ) 2 ) 9 ) ] ) ) ] )", 6),
    ],
)
def test_answers_are_those_of_hand_work(expression: str, answer: int) -> None:
    assert evaluate(expression) == evaluate(flat(expression)) == answer


def test_answers_equal_the_labels_of_the_original_listops() -> None:
    if not ANSWERED.exists():
        pytest.skip("../shared/data/listops-short is not beside this repository")
    rows = [line.split("\t") for line in ANSWERED.read_text(encoding="utf-8").splitlines()]
    assert len(rows) == 10_000
    assert all(evaluate(expression) == evaluate(flat(expression)) == int(label) for label, expression in rows)


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("", "not one whole expression"),
        ("1 2", "not one whole expression"),
        ("[MAX 1 2", "is it cut off"),
        ("( ( ( [MAX 1 ) 2 ) ]", "is it cut off"),
        ("[MAX X", "an operator without arguments"),
        ("1 X", "'X' closes nothing"),
        ("]", "']' closes nothing"),
        (") ( 1", r"'\)' without '\('"),
        ("[SUM 1 2 X", r"unknown token '\[SUM'"),
        ("[MAX 1 23 X", "unknown token '23'"),
        ("[MAX 1 ² X", "unknown token '²'"),
    ],
)
def test_what_is_no_expression_is_refused(expression: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        evaluate(expression)


def test_a_deep_expression_is_no_danger() -> None:
    assert evaluate("[MAX 1 " * 50_000 + "X " * 50_000) == 1
    drawn, _ = next(listops_rows(1, 0, max_depth=5000, max_arguments=6))
    assert depth(drawn) > 20


def test_the_flat_form_is_that_of_long_range_arena() -> None:
    assert flat("( ( ( [MAX 2 ) ( ( ( [SM 3 ) 9 ) ] ) ) ] )") == "[MAX 2 [SM 3 9 X X"


def test_expressions_have_the_wanted_length_and_their_answer() -> None:
    for shortest, longest in ((10, 60), (500, 2000)):
        for expression, answer in listops_rows(20, 3, shortest, longest):
            assert shortest < len(flat(expression).split()) < longest
            assert answer == str(evaluate(expression))


def test_both_bounds_of_the_length_are_not_included() -> None:
    lengths = {len(flat(expression).split()) for expression, _ in short_rows(200, shortest=3, longest=6)}
    assert lengths == {4, 5}


def test_expressions_are_as_deep_as_allowed_and_no_deeper() -> None:
    depths = Counter(depth(expression) for expression, _ in short_rows(max_depth=4))
    assert max(depths) == 4
    assert max(depth(expression) for expression, _ in listops_rows(20, 1)) == 10


def test_operators_have_two_to_ten_arguments_all_equally_often() -> None:
    rng, found, arguments = random.Random(1), Counter(), Counter()
    for tokens in (draw(rng, 0, 2000, 2, 10)[0].split() for _ in range(20_000)):  # one operator of digits at most
        found[next(token for token in tokens if token != "(") if len(tokens) > 1 else "digit"] += 1
        arguments[sum(token.isdigit() for token in tokens)] += 1
    operators = sum(count for name, count in found.items() if name != "digit")
    assert operators / 20_000 == pytest.approx(0.25, abs=0.02)
    assert set(found) == {"[MIN", "[MAX", "[MED", "[SM", "digit"}
    assert all(found[name] / operators == pytest.approx(1 / 4, abs=0.03) for name in found if name != "digit")
    assert sorted(arguments) == list(range(1, 11))
    assert all(arguments[count] / operators == pytest.approx(1 / 9, abs=0.03) for count in range(2, 11))


def test_digits_are_equally_likely() -> None:
    digits = Counter(token for expression, _ in short_rows() for token in expression.split() if token.isdigit())
    assert sorted(digits) == list("0123456789")
    assert all(count / digits.total() == pytest.approx(0.1, abs=0.02) for count in digits.values())


def test_no_expression_comes_twice() -> None:
    rows = short_rows(100, shortest=0, longest=5, max_depth=2)
    assert len({expression for expression, _ in rows}) == 100


def test_a_seed_gives_the_same_rows_and_another_seed_others() -> None:
    assert short_rows() == short_rows()
    assert short_rows(seed=6) != short_rows()
    assert list(islice(listops_rows(300, 5, 10, 60), 10)) == short_rows(10)


def test_settings_that_allow_too_few_expressions_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listops, "MOST_TRIES", 1000)
    with pytest.raises(ConfigError, match="no new expression after 10 of 11"):
        list(listops_rows(11, 0, 0, 2))
    with pytest.raises(ConfigError, match="max_arguments is 1"):
        next(listops_rows(1, 0, max_arguments=1))


def test_the_work_without_a_new_expression_is_bounded_in_tokens_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listops, "MOST_TOKENS", 10_000)
    with pytest.raises(ConfigError, match=r"^\d*,?\d+ draws gave no new expression after 0 of 1"):
        list(listops_rows(1, 0, shortest=100_000, longest=200_000, max_depth=4))


def test_the_command_writes_long_range_arenas_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert write_table("--count", "5", "--seed", "5").exit_code == 0
    header, *rows = Path("table.tsv").read_text(encoding="utf-8").splitlines()
    assert header == "Source\tTarget"
    assert [tuple(row.split("\t")) for row in rows] == short_rows(5, shortest=5, longest=40)
    assert [path.name for path in Path().iterdir()] == ["table.tsv"]


def test_the_command_writes_the_flat_form_if_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert write_table("--count", "5", "--seed", "5", "--flat").exit_code == 0
    sources = [row.split("\t")[0] for row in Path("table.tsv").read_text(encoding="utf-8").splitlines()[1:]]
    assert sources == [flat(expression) for expression, _ in short_rows(5, shortest=5, longest=40)]


def test_a_mistake_is_one_line_and_exit_code_2_and_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(listops, "MOST_TRIES", 1000)
    result = write_table("--longest", "6", "--count", "5")
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: 1,000 draws gave no new expression")
    assert result.stderr.count("\n") == 1
    assert list(Path().iterdir()) == []


def test_a_table_is_not_overwritten_unless_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("table.tsv").write_text("old", encoding="utf-8")
    result = write_table("--count", "5")
    assert result.exit_code == 2
    assert result.stderr == "Error: table.tsv exists: give another name, or --overwrite\n"
    assert Path("table.tsv").read_text(encoding="utf-8") == "old"
    assert write_table("--count", "5", "--overwrite").exit_code == 0


def test_the_example_of_the_help_is_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = EPILOG.partition("rfa_models.data.listops ")[2].split()
    arguments[arguments.index("--count") + 1] = "1"
    assert CliRunner().invoke(main, arguments).exit_code == 0
    assert Path(arguments[0]).is_file()
