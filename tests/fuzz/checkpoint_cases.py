"""`model.pt` from a stranger: changed tables, damaged bytes, archives packed again."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import torch
from case import Case
from hypothesis import strategies as st
from mutations import changed_json, changed_table, scarred
from tokenizer_documents import TOKENIZERS

DATA = Path(__file__).parents[1] / "data" / "before_folders"
TABLES: dict[str, dict[str, Any]] = {
    name: torch.load(DATA / f"{name}.pt", weights_only=True) for name in ("language", "translator")
}
TEXTS = {"language": ("text.txt", b"To be, or not to be,\n" * 20), "translator": ("pairs.tsv", b"one\teins\n" * 8)}
DTYPES = [torch.float16, torch.float64, torch.bfloat16, torch.int64, torch.bool, torch.complex64, torch.float8_e5m2]
ODD_NAMES = ["", "x", "blocks.-1.x", "blocks.99", 3, None, "\ud800"]
METHODS = [zipfile.ZIP_STORED] * 4 + [zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA]
KINDS = ("table", "tokenizer", "tensor", "bytes", "entry", "bytes of the pickle")


@st.composite
def checkpoints(draw: st.DrawFn) -> Case:
    """A changed checkpoint, and a text to measure it on."""
    task = draw(st.sampled_from(sorted(TABLES)))
    kind = draw(st.sampled_from(KINDS))
    table = TABLES[task]
    if kind == "table":
        plain = {key: value for key, value in table.items() if key != "tensors"}
        table = draw(changed_table(plain)) | {"tensors": table["tensors"]}
    elif kind == "tokenizer":
        document = draw(st.sampled_from([json.loads(table["tokenizer"]), *TOKENIZERS]))
        table = table | {"tokenizer": draw(changed_json(document)).decode(errors="replace")}
    elif kind == "tensor":
        table = table | {"tensors": with_changed_tensor(draw, table["tensors"])}
    data = saved(table)
    if kind == "bytes":
        data = draw(scarred(data))
    elif kind.startswith(("entry", "bytes of")):
        data = packed_again(draw, data, of_pickle=kind.startswith("bytes of"))
    name, text = TEXTS[task]
    return Case({"model.pt": data, name: text}, "evaluate", ("model.pt", name))


def saved(table: Any) -> bytes:
    """A table as torch saves it."""
    stream = io.BytesIO()
    torch.save(table, stream)
    return stream.getvalue()


def with_changed_tensor(draw: st.DrawFn, tensors: dict[str, Any]) -> dict[Any, Any]:
    """The tensors of a model, one of them changed or under another name."""
    changed: dict[Any, Any] = dict(tensors)
    name = draw(st.sampled_from(sorted(tensors)))
    tensor = changed.pop(name)
    other = draw(st.sampled_from([*[name] * 5, f"{name}.0", *ODD_NAMES]))
    kind = draw(st.sampled_from(["type", "shape", "value", "kind", "gone"]))
    if kind == "type":
        changed[other] = tensor.to(draw(st.sampled_from(DTYPES)))
    elif kind == "shape":
        size = draw(st.sampled_from([(), (0,), (1,), (2**20, 0), (1, *tensor.shape), tuple(reversed(tensor.shape))]))
        changed[other] = torch.zeros(size)
    elif kind == "value":
        changed[other] = torch.full_like(tensor, draw(st.sampled_from([0.0, 1e38, -1e38, float("nan"), float("inf")])))
    elif kind == "kind":
        wider = tensor[None].expand(3, *tensor.shape)
        changed[other] = draw(st.sampled_from([tensor.to_sparse(), wider, tensor.to("meta"), tensor.tolist(), {}]))
    return changed


def packed_again(draw: st.DrawFn, data: bytes, of_pickle: bool) -> bytes:
    """The archive as another program writes it, its sums right, with something changed in one entry."""
    with zipfile.ZipFile(io.BytesIO(data)) as source:
        entries = [(name, source.read(name)) for name in source.namelist()]
    places = [place for place, (name, _) in enumerate(entries) if name.endswith("data.pkl") or not of_pickle]
    place = draw(st.sampled_from(places))
    name, content = entries[place]
    kind = draw(st.sampled_from(["name", "gone", "bytes"]))
    if of_pickle or kind == "bytes":
        entries[place] = (name, draw(scarred(content)) if content else b"x")
    elif kind == "name":
        entries[place] = (draw(st.sampled_from(["x", "../x", "archive/", "a" * 300, "archive/data/99"])), content)
    else:
        del entries[place]
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", draw(st.sampled_from(METHODS))) as target:
        for entry, content in entries:
            target.writestr(entry, content)
    return stream.getvalue()
