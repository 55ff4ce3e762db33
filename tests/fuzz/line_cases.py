"""Files of lines: texts to answer, rows to score, rows and texts to learn from."""

from __future__ import annotations

from bundle_cases import BUNDLE, BUNDLES
from case import Case
from hypothesis import strategies as st
from mutations import changed_json, scarred
from recipe_cases import OUTPUT
from small_recipes import CLASSIFICATION, RECIPE, TRANSLATION

WORDS = [b"one", b"to be", b"3", b"Source\tTarget", b"( [MAX 2 9 ] )", b"<end>", b"<s>", b"</s>", b"<cls>", b""]
BREAKS = [b"\n", b"\r\n", b"\r", b" ", b"\t", b"\xc2\x85", b"\xe2\x80\xa8", b"\x00", b"\x1b[2J", b"\xef\xbb\xbf"]
ODD_BYTES = [b"\xff", b"\xed\xa0\x80", b"\xf0\x9f\x98\x80", b"x" * 10_000, b"a b " * 3000, "\u0301".encode() * 200]
JSON_ROWS = [
    b'{"text": "a", "label": 1}',
    b'{"text": "\\ud800", "label": "red"}',
    b'{"text": "a", "label": "\\udfff"}',
    b'{"text": "a", "pair": "b", "label": "c"}',
    b'{"text": "a", "label": ' + b"1" * 5000 + b"}",
    b'{"source": "a", "target": "b"}',
    b'{"source": "\\ud800", "target": "a"}',
    b'{"text": 1e999}',
    b"[" * 100_000,
    b"NaN",
    b"{}",
]
ROWS = [{"text": "good", "label": "red"}, {"source": "one", "target": "eins"}, {"text": "a", "pair": "b", "label": 3}]
WAYS = {
    "classifier": [("--input", "in.txt", "--output", "out.txt"), ("--score", "rows.tsv"), ("--score", "rows.jsonl")],
    "translator": [("--input", "in.txt", "--output", "out.txt"), ("--score", "rows.tsv"), ("--prompt-file", "in.txt")],
    "language": [("--prompt-file", "in.txt", "--max-new-tokens", "4"), ("--score", "in.txt")],
}
NOTE = {
    "origin": {"input": "0" * 64, "bundle": "0" * 64, "settings": "0" * 64},
    "lines": 1,
    "errors": 0,
    "bytes": 4,
    "output": "0" * 64,
}
parts = st.sampled_from(WORDS + BREAKS + ODD_BYTES + JSON_ROWS)
LEARNERS = {"text.txt": RECIPE, "rows.tsv": TRANSLATION, "rows.jsonl": CLASSIFICATION}


@st.composite
def contents(draw: st.DrawFn) -> bytes:
    """Lines of all sorts, mostly with good ones around them."""
    some = draw(st.lists(parts, max_size=4))
    data = draw(st.sampled_from([b"", b"\n", b"\t", b"\r\n"])).join(some)
    if draw(st.booleans()):
        data += b"\n" + draw(changed_json(draw(st.sampled_from(ROWS))))
    return draw(scarred(data)) if data and draw(st.integers(0, 4)) == 4 else data


@st.composite
def line_files(draw: st.DrawFn) -> Case:
    """A file that a bundle works on; sometimes there is an output already, with a note beside it."""
    kind = draw(st.sampled_from(sorted(WAYS)))
    way = draw(st.sampled_from(WAYS[kind]))
    files = {f"{BUNDLE}/{name}": content for name, content in BUNDLES[kind].items()}
    files[next(name for name in way if "." in name)] = draw(contents())
    if "--output" in way and draw(st.booleans()):
        files["out.txt"] = b"red\nblue\n"
        files["out.txt.progress"] = draw(changed_json(NOTE))
    return Case(files, "rfa-run", (BUNDLE, *way))


@st.composite
def learnt_files(draw: st.DrawFn) -> Case:
    """A file that a model learns from."""
    name = draw(st.sampled_from(sorted(LEARNERS)))
    recipe = LEARNERS[name]
    for word in ("text.txt", "numbers", "listops"):
        recipe = recipe.replace(f'train = ["{word}"]', f'train = ["{name}"]')
    good = {"text.txt": b"To be, or not to be.\n" * 40, "rows.tsv": b"one\teins\n" * 20}
    rows = good.get(name, b'{"text": "good", "label": "red"}\n{"text": "bad", "label": "blue"}\n' * 10)
    files = {"recipe.toml": recipe.encode(), name: rows + draw(contents())}
    return Case(files, "rfa-train", ("recipe.toml", *OUTPUT))
