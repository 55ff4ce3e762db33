"""Who imports whom.  Sources are read here, never imported: this runs with `make check`, in a second."""

from __future__ import annotations

import ast
import configparser
import re
import sys
from collections.abc import Container, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = {
    "rfa_models": ROOT / "models" / "rfa_models",
    "rfa_runtime": ROOT / "runtime" / "rfa_runtime",
    "rfa_export": ROOT / "rfa_export",
    "rfa_bench": ROOT / "benchmarks" / "rfa_bench",
}
MAY_IMPORT = {
    "rfa_models": {"rfa_runtime", "numpy", "torch", "fla", "gguf", "safetensors", "tokenizers", "click", "rich"},
    "rfa_runtime": {
        "numpy",
        "onnxruntime",
        "tokenizers",
        "click",
        "rich",
        "sacrebleu",
        "safetensors",
        "llguidance",
        "jinja2",
        *("fastapi", "pydantic", "starlette", "uvicorn", "prometheus_client", "distributed"),
    },
    "rfa_export": {
        *("rfa_models", "rfa_runtime", "numpy", "torch", "tokenizers", "click", "rich"),
        *("onnx", "onnx_ir", "onnxscript", "ml_dtypes", "onnxruntime", "onnxruntime_genai", "openvino"),
    },
}
"""All but the standard library.  rfa_bench may import anything; nothing imports it."""
MODELS_MAY_TAKE = (
    "rfa_runtime.bundle",
    "rfa_runtime.decoding.sampling_config",
    "rfa_runtime.ending",
    "rfa_runtime.errors",
    "rfa_runtime.interrupt",
    "rfa_runtime.line_files",
    "rfa_runtime.threads",
    "rfa_runtime.wording",
)
"""What rfa_models takes of the runtime: words of the interface, settings, readers of files, how a command ends.

All of it stands on the standard library and click, so that training needs no ONNX Runtime."""
FLOORS = {
    "rfa_runtime": """
        commands
        serve cluster
        tasks
        engine speculation
        decoding
        session forms
        line_files
        bundle
        threads
        bar checks memory ending
        interrupt
        errors
        wording
    """,
    "rfa_models": """
        commands
        teaching
        training convert
        tasks
        recipes checkpoints
        networks data
        attention
        tables
        checks whole_files
        wording
        errors shapes
    """,
    "rfa_export": """
        commands
        pipeline
        verification
        targets
        tasks
        exams
        runtimes tracing
        graph
        precision text tolerances version
        errors
    """,
    "rfa_export.graph": """
        lowering rounding rewrite
        check cleanup draft
        softplus views weight_readers
        edit names packed weights
    """,
    "rfa_bench": """
        cli
        commands
        measurements checkouts terminal gpu
        suite
        parts systems
        processes
        subjects tables
        machine drawing
    """,
}
"""The rooms of each package from the top floor to the ground: a room imports from lower floors only."""
EXTRAS = {"runtime": ("chat", "cluster", "cpu", "grammar", "score", "serve"), ".": ("verify", "fla", "gguf")}
"""Those whose packages a distribution imports."""
PUBLIC = {
    "rfa_models": {
        *("AUTHORS", "AttentionConfig", "Checkpoint", "Classifier", "ClassifierConfig", "Conversion", "LanguageModel"),
        *("ModelConfig", "ModelError", "Recipe", "RfaAttention", "ShortConvolution", "SoftmaxAttention"),
        *("StudentConfig", "TeachingConfig", "TokenShift", "Trained", "TrainingRun", "Translator", "TranslatorConfig"),
        *("__version__", "byte_tokenizer", "convert_release", "convert_softmax", "evaluate", "launch_processes"),
        *("load_checkpoint", "read_recipe", "read_softmax_model", "save_checkpoint", "save_pretrained", "train_recipe"),
    },
    "rfa_runtime": {
        *(
            "Accuracy",
            "Bundle",
            "Classification",
            "Classifier",
            "ClassifyLines",
            "ContinueLines",
            "Decoder",
            "Encoder",
            "Engine",
            "Generation",
        ),
        *(
            "ChatSession",
            "ChatTemplate",
            "Conversation",
            "Grammar",
            "Message",
            "chat_template",
            "Hypothesis",
            "Pace",
            "Past",
            "Stream",
        ),
        *("DraftModel", "LineJob", "Lookup", "SpeculativeDecoder", "TranslateLines"),
        *("convert_on_cluster", "convert_shards"),
        *("Piece", "Request", "RfaRuntimeError", "SamplingConfig", "Score", "SearchConfig", "State", "StepSession"),
        *("Translation", "TranslationScore", "Translator", "Worker", "__version__", "convert_lines", "progress_bar"),
        *(
            "read_bundle",
            "read_labelled",
            "read_pairs",
            "read_text",
            "score_classifier",
            "score_text",
            "score_translator",
        ),
        *("shipped_bundle", "staged_bundle", "write_bundle"),
    },
    "rfa_export": {
        *("ClassifierExport", "ExportConfig", "ExportError", "Exported", "GraphFacts", "Inspection", "LanguageExport"),
        *("Report", "TranslatorExport", "__version__", "export", "export_file", "export_module", "export_task"),
        "inspect_bundle",
    },
    "rfa_bench": set[str](),
}
LAZY = {FOLDERS[package] / "__init__.py" for package in ("rfa_runtime", "rfa_models", "rfa_export")} | {
    FOLDERS["rfa_bench"] / "measurements" / "__init__.py",
    FOLDERS["rfa_models"] / "training" / "distributed" / "__init__.py",
    FOLDERS["rfa_runtime"] / "forms" / "__init__.py",
    FOLDERS["rfa_runtime"] / "serve" / "__init__.py",
}
"""Load the modules of their names on first use, by importlib; no other file does."""

packages = pytest.mark.parametrize("package", FOLDERS)


def sources(package: str) -> list[Path]:
    return sorted(FOLDERS[package].rglob("*.py"))


def module_name(package: str, file: Path) -> str:
    parts = file.relative_to(FOLDERS[package].parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def children(node: ast.AST) -> Iterator[ast.AST]:
    """Everything below a node."""
    for child in ast.iter_child_nodes(node):
        yield child
        yield from children(child)


def imports(file: Path) -> Iterator[str]:
    """Full names of what a file imports: `a.b.c` for `from a.b import c`, which may be a module or a name in one."""
    for node in children(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def imported_packages(file: Path) -> set[str]:
    return {name.split(".")[0] for name in imports(file)} - sys.stdlib_module_names


def graph(package: str) -> dict[str, set[str]]:
    """Who imports whom among the modules of one package, for type checkers too; its lazy front door knows them all."""
    modules = {module_name(package, file): file for file in sources(package) if file not in LAZY}
    edges: dict[str, set[str]] = {}
    for name, file in modules.items():
        found = {nearest(imported, modules) for imported in imports(file)}
        edges[name] = {other for other in found if other is not None and other != name}
    return edges


def wrong_arrows(edges: dict[str, set[str]], house: str, floors: str) -> list[str]:
    """Imports between the rooms of a house that do not lead to a lower floor, and rooms that have no floor.

    house: the dotted name in front of its rooms, such as `rfa_export.graph`.
    """
    floor_of: dict[str, int] = {}
    for number, line in enumerate(floors.split("\n")):
        floor_of |= dict.fromkeys(line.split(), number)
    wrong = []
    for module in edges:
        room = room_of(module, house)
        if room is None:
            continue
        if room not in floor_of:
            wrong.append(f"{room} has no floor")
            continue
        for other in edges[module]:
            lower = room_of(other, house)
            if lower not in (None, room) and floor_of.get(lower, number) <= floor_of[room]:
                wrong.append(f"{module} -> {other}")
    return sorted(wrong)


def room_of(module: str, house: str) -> str | None:
    """The room of a house that a module lies in; None outside of the house, and for the house itself."""
    inside = module.removeprefix(f"{house}.")
    return None if inside == module else inside.split(".")[0]


def reached(edges: dict[str, set[str]], start: str) -> set[str]:
    """A module and all that it needs."""
    found: set[str] = set()
    ahead = [start]
    while ahead:
        name = ahead.pop()
        if name not in found:
            found.add(name)
            ahead += edges[name]
    return found


def file_of(module: str) -> Path:
    """Where a module of rfa_runtime stands."""
    path = FOLDERS["rfa_runtime"].parent.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def nearest(imported: str, modules: Container[str]) -> str | None:
    """The module that an imported name is or lies in."""
    return next((name for name in (imported, imported.rpartition(".")[0]) if name in modules), None)


def cycle(edges: dict[str, set[str]]) -> list[str]:
    """Modules that import each other in a ring, or nothing: what is left when all others are taken away."""
    left = dict(edges)
    while ready := [name for name, wanted in left.items() if not wanted & left.keys()]:
        for name in ready:
            del left[name]
    return sorted(left)


def setup(folder: str = ".") -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    parser.read(ROOT / folder / "setup.cfg")
    return parser


def constant(file: Path, name: str) -> object:
    """The value of `name = ...` at the top of a file; None where there is no such line."""
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == [name]:
            return ast.literal_eval(node.value)
    return None


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_imports_point_one_way(package: str) -> None:
    for file in sources(package):
        assert imported_packages(file) <= MAY_IMPORT[package] | {package}, file


def test_the_arrows_that_point_one_way_are_there() -> None:
    """Else the test above would hold of files that it cannot find, too."""
    found = {package: set().union(*map(imported_packages, sources(package))) for package in FOLDERS}
    assert {"rfa_models", "rfa_runtime"} <= found["rfa_export"]
    assert "torch" in found["rfa_models"]
    assert "onnxruntime" in found["rfa_runtime"]


def test_the_bundle_format_needs_the_standard_library_alone() -> None:
    """Everything below rfa_runtime/bundle, the errors and their words: the exporter, and anyone, can use them alone."""
    edges = graph("rfa_runtime")
    allowed = {name for name in edges if name.startswith("rfa_runtime.bundle")}
    allowed |= {"rfa_runtime.errors", "rfa_runtime.wording"}
    assert len(allowed) > 5
    for file in sources("rfa_runtime"):
        module = module_name("rfa_runtime", file)
        if module in allowed:
            assert edges[module] <= allowed, module
            assert imported_packages(file) <= {"rfa_runtime"}, module


@packages
def test_no_module_imports_itself_through_others(package: str) -> None:
    assert cycle(graph(package)) == []


def test_a_ring_of_imports_would_be_found() -> None:
    assert cycle({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}, "e": set()}) == ["a", "b", "c", "d"]
    assert cycle({"a": {"b"}, "b": {"c"}, "c": set()}) == []


@pytest.mark.parametrize("house", FLOORS)
def test_rooms_import_from_lower_floors_only(house: str) -> None:
    assert wrong_arrows(graph(house.split(".")[0]), house, FLOORS[house]) == []


@pytest.mark.parametrize("package", sorted(FOLDERS))
def test_no_process_is_forked(package: str) -> None:
    """A process that is forked after `import onnxruntime` hangs at its end; subprocess starts programs anew."""
    for file in sources(package):
        text = file.read_text(encoding="utf-8")
        assert not re.search(r"\b(os\.fork|forkpty|multiprocessing|ProcessPoolExecutor)\b", text), file


def test_an_arrow_that_leads_up_would_be_found() -> None:
    floors = "commands\ntasks\nsession bundle"
    edges = {
        "house.commands.run": {"house.tasks.language"},
        "house.tasks.language": {"house.session.step", "house.tasks.other"},
        "house.session.step": {"house.commands.run", "house.bundle.files"},
        "house.attic": set[str](),
    }
    assert wrong_arrows(edges, "house", floors) == [
        "attic has no floor",
        "house.session.step -> house.bundle.files",
        "house.session.step -> house.commands.run",
    ]


def test_an_import_for_type_checkers_is_an_arrow_too(tmp_path: Path) -> None:
    file = tmp_path / "offender.py"
    file.write_text("if TYPE_CHECKING:\n    from house.session import State\n", encoding="utf-8")
    assert list(imports(file)) == ["house.session.State"]


def test_models_take_only_readers_and_words_from_the_runtime() -> None:
    edges = graph("rfa_runtime")
    for file in sources("rfa_models"):
        for name in imports(file):
            assert not name.startswith("rfa_runtime") or name.startswith(MODELS_MAY_TAKE), f"{file}: {name}"
            module = nearest(name, edges)
            for below in reached(edges, module) if module else ():
                assert imported_packages(file_of(below)) <= {"rfa_runtime", "click"}, (
                    f"{file} takes {name}, which needs {below}"
                )


def texts_raised(node: ast.AST) -> Iterator[str]:
    """The words in calls of errors below a node."""
    for call in children(node):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id.endswith("Error"):
            for part in children(call):
                if isinstance(part, ast.Constant) and isinstance(part.value, str):
                    yield part.value


@pytest.mark.parametrize("package", ["rfa_models", "rfa_runtime", "rfa_export"])
def test_errors_of_libraries_name_no_option_of_a_command(package: str) -> None:
    for file in sources(package):
        if "commands" in file.parts:
            continue
        for text in texts_raised(ast.parse(file.read_text(encoding="utf-8"))):
            ours = re.search(r"(?<![\w-])(--[a-z]|-o\b)", text) and "fairseq" not in text
            assert not ours, f"{file}: {text!r} names an option, wanted rfa_runtime.wording.Setting"


@packages
def test_imports_stand_at_the_top_of_the_file(package: str) -> None:
    for file in sources(package):
        for node in children(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                local = [child for child in children(node) if isinstance(child, ast.Import | ast.ImportFrom)]
                assert not local, f"{file}: {node.name} imports on line {local[0].lineno}"


@packages
def test_only_front_doors_load_modules_late(package: str) -> None:
    for file in sources(package):
        late = {"importlib", "importlib.import_module"} & set(imports(file))
        late |= {word for word in ("__import__",) if word in file.read_text(encoding="utf-8")}
        assert file in LAZY or not late, file


@packages
def test_public_names_are_these(package: str) -> None:
    declared = constant(FOLDERS[package] / "__init__.py", "__all__")
    assert set(declared or []) == PUBLIC[package]


def test_every_public_method_is_documented_where_it_is_declared() -> None:
    """A method says what it does once: in its class, or in the Protocol or base class that declares it."""
    classes = [node for package in FOLDERS for file in sources(package) for node in classes_in(file)]
    declared = {method.name for node in classes if is_base(node, classes) for method in methods(node, documented=True)}
    for node in classes:
        silent = {method.name for method in methods(node, documented=False)}
        assert silent <= declared, f"{node.name}: {sorted(silent - declared)}"


def classes_in(file: Path) -> list[ast.ClassDef]:
    return [node for node in children(ast.parse(file.read_text(encoding="utf-8"))) if isinstance(node, ast.ClassDef)]


def is_base(node: ast.ClassDef, classes: list[ast.ClassDef]) -> bool:
    """Whether a class is a Protocol, or one that others are made from."""
    bases = {ast.unparse(base).split("[")[0] for other in classes for base in other.bases}
    return node.name in bases or any("Protocol" in ast.unparse(base) for base in node.bases)


def methods(node: ast.ClassDef, documented: bool) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """The public methods of a class, those with a docstring or those without."""
    for child in node.body:
        is_method = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)
        if is_method and not child.name.startswith("_") and documented == (ast.get_docstring(child) is not None):
            yield child


def test_both_distributions_have_one_version() -> None:
    versions = {setup(folder)["metadata"]["version"] for folder in (".", "runtime")}
    files = [FOLDERS["rfa_export"] / "version.py"]
    files += [FOLDERS[package] / "__init__.py" for package in ("rfa_runtime", "rfa_models")]
    versions |= {constant(file, "__version__") for file in files}
    assert len(versions) == 1


@pytest.mark.parametrize(
    ("folder", "contents"), [(".", {"rfa_models", "rfa_export", "rfa_bench"}), ("runtime", {"rfa_runtime"})]
)
def test_every_folder_with_code_is_installed(folder: str, contents: set[str]) -> None:
    listed = set(setup(folder)["options"]["packages"].split())
    assert listed == {
        module_name(package, file / "__init__.py")
        for package in contents
        for file in {source.parent for source in sources(package)}
    }


@pytest.mark.parametrize(("folder", "package"), [(".", "rfa_export"), (".", "rfa_models"), ("runtime", "rfa_runtime")])
def test_everything_imported_is_a_requirement(folder: str, package: str) -> None:
    options = setup(folder)
    wanted = options["options"]["install_requires"]
    for extra in EXTRAS[folder]:
        wanted += options["options.extras_require"][extra]
    declared = {line.split()[0].replace("-", "_") for line in wanted.splitlines() if line.strip()}
    if "rfa_runtime" in declared:
        declared |= {"onnxruntime"}
    if "fla_core" in declared:
        declared |= {"fla"}
    inside = {"rfa_models", "rfa_export", "rfa_bench"} if folder == "." else {"rfa_runtime"}
    assert set().union(*map(imported_packages, sources(package))) <= declared | inside
