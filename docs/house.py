"""How the house is built, in figures: rooms, floors and arrows of each package, and how dense its lines are.

    python docs/house.py [CHECKOUT] [--bundle model.rfa]

A room is a folder or a file that stands directly in a package; an arrow leads from a room to one that it imports, for
type checkers too; the floors are the rooms on the longest way down.  With a bundle, `rfa-run BUNDLE "x"` is run
and the files of rfa_runtime are counted that it loads, and those of which a function runs.
"""

from __future__ import annotations

import ast
import configparser
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import click

PACKAGES = {
    "rfa_runtime": "runtime/rfa_runtime",
    "rfa_models": "models/rfa_models",
    "rfa_export": "rfa_export",
    "rfa_bench": "benchmarks/rfa_bench",
}
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
TRACED = """
import sys

folder, module, name, bundle = sys.argv[1:]
ran = set()


def note(frame, event, _):
    file = frame.f_code.co_filename
    if event == "call" and file.startswith(folder) and file not in ran and not while_loading(frame):
        ran.add(file)


def while_loading(frame):
    while frame is not None:
        if frame.f_code.co_name == "<module>" and frame.f_code.co_filename.startswith(folder):
            return True
        frame = frame.f_back
    return False


sys.argv = ["rfa-run", bundle, "x", "--max-new-tokens", "4"]
main = getattr(__import__(module, fromlist=[name]), name)
sys.setprofile(note)
try:
    main()
except SystemExit:
    pass
sys.setprofile(None)
loaded = [name for name in sys.modules if name.partition(".")[0] == "rfa_runtime"]
print(len(loaded), *sorted(file[len(folder) + 1 :] for file in ran), file=sys.stderr)
"""
"""Runs the command in a process of its own.  What runs only because a module is loaded does not count as run."""

Edges = dict[str, set[str]]


@click.command(epilog="Example:  python docs/house.py --bundle model.rfa")
@click.argument("checkout", type=click.Path(path_type=Path, file_okay=False), default=Path(__file__).parents[1])
@click.option("--bundle", type=click.Path(path_type=Path, exists=True), help="Run rfa-run on it, and count files.")
def main(checkout: Path, bundle: Path | None) -> None:
    """Print the figures of a CHECKOUT, this one by default, as Markdown."""
    columns = {package: figures(checkout / folder) for package, folder in PACKAGES.items()}
    print("| | " + " | ".join(columns) + " |")
    print("|---|" + "---:|" * len(columns))
    for figure in next(iter(columns.values())):
        print(f"| {figure} | " + " | ".join(column[figure] for column in columns.values()) + " |")
    if bundle is not None:
        print_files_of_a_run(checkout, bundle.resolve())


def figures(package: Path) -> dict[str, str]:
    """All figures of one package, by name."""
    files = sorted(package.rglob("*.py"))
    trees = {file: ast.parse(file.read_text(encoding="utf-8")) for file in files}
    lengths = [len(file.read_text(encoding="utf-8").splitlines()) for file in files]
    folders = [file.parent for file in files]
    among_files = file_edges(package, trees)
    among_rooms = room_edges(among_files)
    return {
        "files": str(len(files)),
        "files in the largest folder": str(max(folders.count(folder) for folder in set(folders))),
        "rooms": str(len(among_rooms)),
        "floors of rooms": str(floors(among_rooms)),
        "arrows between rooms": str(arrows(among_rooms)),
        "rooms in circles": str(len(in_circles(among_rooms))),
        "floors of files": str(floors(among_files)),
        "arrows between files": str(arrows(among_files)),
        "files in circles": str(len(in_circles(among_files))),
        "median file, lines": f"{median(lengths):g}",
        "largest file, lines": str(max(lengths)),
        "two computations on a line, per 1,000": per_thousand(trees, package, double_assignments),
        "comprehensions, per 1,000": per_thousand(trees, package, comprehensions),
    }


def file_edges(package: Path, trees: dict[Path, ast.Module]) -> Edges:
    """Which file imports which, by dotted names; front doors that load late are left out, as nothing lies behind."""
    names = {module_name(package, file): tree for file, tree in trees.items()}
    front_door = package.name
    edges = {}
    for name, tree in names.items():
        if name == front_door:
            continue
        found = {nearest(imported, names) for imported in imports(tree)}
        edges[name] = {other for other in found if other not in ("", name, front_door)}
    return edges


def module_name(package: Path, file: Path) -> str:
    """The dotted name of a file."""
    parts = file.relative_to(package.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(tree: ast.Module) -> Iterator[str]:
    """Full names of all that a file imports, for type checkers too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def nearest(imported: str, names: dict[str, ast.Module]) -> str:
    """The module that an imported name is or lies in; empty where that is none of this package."""
    for name in (imported, imported.rpartition(".")[0]):
        if name in names:
            return name
    return ""


def room_edges(edges: Edges) -> Edges:
    """The same between the rooms of a package."""
    rooms: Edges = {}
    for name, others in edges.items():
        mine = room(name)
        rooms.setdefault(mine, set()).update(room(other) for other in others)
        rooms[mine].discard(mine)
    return rooms


def room(module: str) -> str:
    """The room that a module lies in: the second part of its name."""
    return module.split(".")[1]


def floors(edges: Edges) -> int:
    """How many rooms the longest way down has; those in circles count once all together."""
    left = dict(edges)
    height = 0
    while left:
        free = [name for name, others in left.items() if not others & left.keys()]
        for name in free or in_circles(left):
            del left[name]
        height += 1
    return height


def arrows(edges: Edges) -> int:
    """How many pairs there are of which one imports the other."""
    return sum(len(others) for others in edges.values())


def in_circles(edges: Edges) -> list[str]:
    """Those that reach themselves."""
    return sorted(name for name in edges if name in reached(edges, name))


def reached(edges: Edges, start: str) -> set[str]:
    """All that lies behind the arrows of one, however far."""
    found: set[str] = set()
    ahead = list(edges[start])
    while ahead:
        name = ahead.pop()
        if name in edges and name not in found:
            found.add(name)
            ahead += edges[name]
    return found


def per_thousand(trees: dict[Path, ast.Module], package: Path, count: object) -> str:
    """A count for every 1,000 lines with code."""
    assert callable(count)
    code = sum(code_lines(file) for file in trees)
    return f"{1000 * sum(count(tree) for tree in trees.values()) / code:.1f}"


def code_lines(file: Path) -> int:
    """Lines that are neither empty, nor a comment, nor within a docstring."""
    text = file.read_text(encoding="utf-8")
    prose: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            prose.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    lines = enumerate(text.splitlines(), start=1)
    return sum(1 for number, line in lines if number not in prose and line.strip() and line.strip()[0] != "#")


def double_assignments(tree: ast.Module) -> int:
    """Assignments such as `a, b = f(x), g(y)`."""
    return sum(
        isinstance(node, ast.Assign) and isinstance(node.value, ast.Tuple) and isinstance(node.targets[0], ast.Tuple)
        for node in ast.walk(tree)
    )


def comprehensions(tree: ast.Module) -> int:
    """List, set and dict comprehensions, and generator expressions."""
    return sum(isinstance(node, COMPREHENSIONS) for node in ast.walk(tree))


def print_files_of_a_run(checkout: Path, bundle: Path) -> None:
    """Run the command that the checkout installs as rfa-run, and count its files."""
    setup = configparser.ConfigParser()
    setup.read(checkout / "runtime" / "setup.cfg")
    scripts = setup["options.entry_points"]["console_scripts"]
    module, _, name = scripts.partition("rfa-run =")[2].split()[0].partition(":")
    folder = str((checkout / PACKAGES["rfa_runtime"]).resolve())
    arguments = [folder, module, name, str(bundle)]
    environment = os.environ | {"PYTHONPATH": str(Path(folder).parent)}
    command = [sys.executable, "-c", TRACED, *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    loaded, *ran = done.stderr.splitlines()[-1].split()
    print(f'\n`rfa-run model.rfa "x"` loads {loaded} files of rfa_runtime; functions of {len(ran)} run:\n')
    for file in ran:
        print(f"- {file}")


if __name__ == "__main__":
    main()
