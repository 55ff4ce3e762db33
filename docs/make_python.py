"""Write docs/python.md: the public names of the three packages, from their signatures and docstrings.

Run it after changing one of them.
"""

from __future__ import annotations

import ast
import dataclasses
import inspect
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import rfa_export
import rfa_models
import rfa_runtime

FILE = Path(__file__).with_name("python.md")
PACKAGES = (rfa_runtime, rfa_export, rfa_models)
HEAD = """# Python

The public names of the three packages, as their code describes them. `python docs/make_python.py` writes this page.
Letters in shapes: B rows of a batch, T tokens, N vocabulary. What begins with an underscore, or is not on this page,
may change.

- [`rfa_runtime`](#rfa_runtime) runs bundles. It needs numpy, ONNX Runtime and tokenizers.
- [`rfa_export`](#rfa_export) makes bundles of checkpoints and of torch modules.
- [`rfa_models`](#rfa_models) has attention layers, models and their training.
"""
QUOTES = "'"
LONGEST = 100
"""Characters of a signature on one line."""


def python_page() -> str:
    """The page as Markdown."""
    parts = [HEAD]
    for package in PACKAGES:
        parts.append(f"## {package.__name__}\n\n{docstring(package)}")
        names = [name for name in package.__all__ if not name.startswith("__")]
        parts += [entry(package, name) for name in sorted(names, key=str.lower)]
    return "\n".join(parts)


def entry(package: ModuleType, name: str) -> str:
    """One public name: signature, docstring, fields and methods."""
    value = getattr(package, name)
    lines = [f"### {name}\n"]
    if inspect.isclass(value):
        lines += class_lines(value)
    elif callable(value):
        lines += [code(signature(name, value)), docstring(value)]
    else:
        lines.append(f"A constant: `{value!r}`\n")
    return "\n".join(lines)


def class_lines(value: type[Any]) -> Iterator[str]:
    """A class: how it is made, what it is for, its fields and its public methods."""
    if issubclass(value, Exception):
        parents = ", ".join(base.__name__ for base in value.__bases__)
        yield code(f"class {value.__name__}({parents})")
        yield docstring(value)
        return
    has_fields = dataclasses.is_dataclass(value) or hasattr(value, "_fields")
    yield code(f"class {value.__name__}" if has_fields else signature(value.__name__, value))
    yield docstring(value)
    if has_fields:
        yield from field_lines(value)
    for name, member in public_members(value):
        yield member_line(name, member)
    yield ""


def field_lines(value: type[Any]) -> Iterator[str]:
    """The fields of a dataclass or a NamedTuple, with types, defaults and the text under each."""
    defaults: dict[str, Any] = dict(getattr(value, "_field_defaults", {}))
    if dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            if field.default is not dataclasses.MISSING:
                defaults[field.name] = field.default
    for name, (kind, text) in documented_fields(value).items():
        default = f" = {defaults[name]!r}" if name in defaults else ""
        said = f": {text}" if text else ""
        yield f"- `{name}: {kind}{default}`{said}"


def documented_fields(value: type[Any]) -> dict[str, tuple[str, str]]:
    """Annotated names of a class and of the classes that it extends, each with its type and the string below it."""
    found: dict[str, tuple[str, str]] = {}
    for home in reversed(value.__mro__):
        if home.__module__.split(".")[0] not in {package.__name__ for package in PACKAGES}:
            continue
        (definition,) = ast.parse(textwrap.dedent(inspect.getsource(home))).body
        assert isinstance(definition, ast.ClassDef)
        last = ""
        for node in definition.body:
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                last = node.target.id
                found[last] = (ast.unparse(node.annotation), "")
            elif last and isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
                found[last] = (found[last][0], one_line(str(node.value.value)))
                last = ""
            else:
                last = ""
    return found


def public_members(value: type[Any]) -> Iterator[tuple[str, Any]]:
    """Methods and properties that a class of ours defines itself, in the order of the file."""
    for name, member in vars(value).items():
        if not name.startswith("_") and (callable(member) or isinstance(member, property | staticmethod | classmethod)):
            yield name, member


def member_line(name: str, member: Any) -> str:
    """One method or property in one item of a list."""
    if isinstance(member, property):
        return f"- `.{name}`: {one_line(first_paragraph(member))}"
    function = getattr(member, "__func__", member)
    return f"- `.{one_line(signature(name, function))}`: {one_line(first_paragraph(function))}"


def signature(name: str, function: Any) -> str:
    """A call as code: names, types and defaults; broken over lines where it is long."""
    found = inspect.signature(function)
    parameters = [parameter for parameter in found.parameters.values() if parameter.name not in ("self", "cls")]
    texts = [plain(str(parameter)) for parameter in parameters]
    returned = ""
    if found.return_annotation is not inspect.Signature.empty:
        returned = f" -> {plain(str(found.return_annotation)).strip(QUOTES)}"
    if inspect.isclass(function):
        returned = ""
    on_one_line = f"{name}({', '.join(texts)}){returned}"
    if len(on_one_line) <= LONGEST:
        return on_one_line
    inside = "".join(f"    {text},\n" for text in texts)
    return f"{name}(\n{inside}){returned}"


def plain(annotation: str) -> str:
    """Types as they stand in the code, without the quotes of late evaluation, and paths without their class."""
    text = re.sub(r"(?<=: )'([^']*)'", r"\1", annotation)
    text = re.sub(r"<function (\w+) at 0x[0-9a-f]+>|<built-in function (\w+)>", r"\1\2", text)
    return text


def docstring(value: Any) -> str:
    """The whole docstring, with examples as code."""
    text = inspect.getdoc(value) or ""
    before, example, after = text.partition("Example:\n")
    if example:
        text = f"{before.rstrip()}\n\n```python\n{textwrap.dedent(after).rstrip()}\n```"
    return text + "\n"


def first_paragraph(value: Any) -> str:
    """The first paragraph of a docstring."""
    return (inspect.getdoc(value) or "").partition("\n\n")[0]


def one_line(text: str) -> str:
    """A text without its line breaks."""
    return " ".join(text.split()).replace("( ", "(").replace(",)", ")").replace(", )", ")")


def code(text: str) -> str:
    """A block of code that is no program."""
    return f"```\n{text}\n```\n"


if __name__ == "__main__":
    FILE.write_text(python_page(), encoding="utf-8")
