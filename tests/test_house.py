"""The architecture as failing tests: who may import what, how large things grow, how they are called, what lies where.

Who imports whom stands in pyproject.toml as contracts; here stands what they can't say.
"""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from fnmatch import fnmatch
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
CONTRACTS = PROJECT["tool"]["importlinter"]["contracts"]

FIXED = {"pyproject.toml", "bot", "flows", "locales", "config", "tests", "README.md"}  # by the project's owner
EXPECTED_BY_TOOLS = {
    ".dockerignore",
    *(".ci", ".github", ".gitignore", ".editorconfig", "LICENSE", "Makefile"),
    *("requirements.txt", "requirements-dev.txt", "docs", "benchmarks"),
}
MOST_LINES = {"file": 300, "function": 40}
VAGUE = {"manager", "helper", "helpers", "util", "utils", "data", "info", "process", "handle", "handler"}
TERMS = {"data_protection"}  # the field of law
NO_IMPORT = {
    "psycopg",  # PostgreSQL's driver; SQLAlchemy finds it
    "tzdata",  # time zones for machines that have none; the standard library finds them
}
TYPES_ONLY = {"bot/app.py", "bot/turn.py", "bot/courier.py", "bot/upkeep.py"}  # pass a Connection on, and never use it

FOREIGN = {
    "a path of one machine": r"(?<![\w.])/(?:home|root|Users|work|workspace|mnt|opt|tmp)/\w",
    "an issue's number": r"(?<![\w&])#\d{1,5}\b|\b[Ii]ssues?[ /]#?\d+|\bGH-\d+",
    "a package registry": r"pypi\.org|pythonhosted\.org|npmjs\.(?:org|com)|crates\.io|https?://(?:proxy|registry)\.",
}


def ignored() -> list[str]:
    return [line.rstrip("/") for line in (ROOT / ".gitignore").read_text("utf-8").split() if not line.startswith("#")]


def ours(folder: Path = ROOT) -> Iterator[Path]:
    """Every file of the tree that isn't made by a tool, whether in git yet or not."""
    for path in sorted(folder.iterdir()):
        if path.name == ".git" or any(fnmatch(path.name, pattern) for pattern in ignored()):
            continue
        if path.is_dir():
            yield from ours(path)
        else:
            yield path


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


FILES = {named(path): path for path in ours()}
SOURCES = {name: path.read_text("utf-8") for name, path in FILES.items() if fnmatch(name, "bot/*.py")}


@cache
def trees() -> Mapping[str, ast.Module]:
    """What each source says, by its name."""
    return {name: ast.parse(text) for name, text in SOURCES.items()}


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def imported(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """(module, name taken from it or "") of each import."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.module or "", alias.name) for alias in node.names)


def libraries() -> set[str]:
    """Top-level names of what bot/ imports and neither we nor Python wrote."""
    tops = {module.partition(".")[0] for tree in trees().values() for module, _ in imported(tree)}
    return tops - sys.stdlib_module_names - {"bot"}


def bound(tree: ast.AST) -> Iterator[str]:
    """Every name that a file gives to something."""
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.arg(arg=name) | ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                yield name


def words(name: str) -> set[str]:
    """The words of a name: "OpenTalk" and "open_talk" are both made of open and talk."""
    return {word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name) if name.lower() not in TERMS}


def test_every_contract_on_imports_is_kept(tmp_path: Path) -> None:
    call = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()", "--no-logo"]
    done = subprocess.run(
        [*call, "--cache-dir", str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"Contracts: {len(CONTRACTS)} kept, 0 broken." in done.stdout


def test_the_layers_name_every_room() -> None:
    (layers,) = [contract for contract in CONTRACTS if contract["type"] == "layers"]
    rooms = {room for layer in layers["layers"] for room in layer.split(" | ")} | set(layers["exhaustive_ignores"])
    here = {name.split("/")[1].removesuffix(".py") for name in SOURCES} - {"__init__"}
    assert layers["exhaustive"]
    assert rooms == here


def test_each_library_has_one_home() -> None:
    housed = {
        library
        for contract in CONTRACTS
        if contract["type"] == "protected"
        for library in contract["protected_modules"]
    }
    assert housed == libraries()


def test_what_is_imported_is_depended_on_and_the_other_way_round() -> None:
    asked = {canonicalize_name(Requirement(line).name) for line in PROJECT["project"]["dependencies"]}
    given = packages_distributions()
    used = {canonicalize_name(given[library][0]) for library in libraries()}
    assert used - {"pydantic-core"} == asked - NO_IMPORT  # pydantic-core is pydantic's own


@pytest.mark.parametrize("name", sorted(TYPES_ONLY))
def test_outside_of_storage_a_connection_is_only_passed_on(name: str) -> None:
    used = {
        node.attr
        for node in ast.walk(trees()[name])
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "sa"
    }
    taken = {part for module, part in imported(trees()[name]) if module.startswith("sqlalchemy")}
    assert used | taken <= {"", "Connection", "Engine"}


def test_no_file_and_no_function_of_the_bot_grows_too_long() -> None:
    long = [
        f"{name}: {count} lines" for name, text in SOURCES.items() if (count := text.count("\n")) > MOST_LINES["file"]
    ]
    long += [
        f"{name}:{function.lineno} {function.name}: {count} lines"
        for name, tree in trees().items()
        for function in functions(tree)
        if (count := (function.end_lineno or 0) - function.lineno + 1) > MOST_LINES["function"]
    ]
    assert long == []


def test_every_module_says_what_it_is_for() -> None:
    assert [name for name, tree in trees().items() if not ast.get_docstring(tree)] == []


def test_no_name_of_ours_is_vague() -> None:
    vague = [
        f"{name}: {given}"
        for name, tree in trees().items()
        for given in sorted(set(bound(tree)))
        if words(given) & VAGUE
    ]
    vague += [name for name in SOURCES if any(words(part) & VAGUE for part in name.removesuffix(".py").split("/"))]
    assert vague == []


def test_the_top_level_holds_only_what_is_agreed() -> None:
    assert {name.split("/")[0] for name in FILES} <= FIXED | EXPECTED_BY_TOOLS


@pytest.mark.parametrize("what", FOREIGN)
def test_nothing_here_names(what: str) -> None:
    found = [
        f"{name}: {line.strip()}"
        for name, path in FILES.items()
        for line in path.read_text("utf-8", errors="replace").splitlines()
        if re.search(FOREIGN[what], line)
    ]
    assert found == []


@pytest.mark.parametrize(
    ("what", "line"),
    [
        ("a path of one machine", "see /{}/somebody/notes"),
        ("an issue's number", "as asked in #{}12"),
        ("an issue's number", "as issue {}12 says"),
        ("a package registry", "https://py{}pi.org/simple"),
    ],
)
def test_what_must_not_be_named_would_be_found(what: str, line: str) -> None:
    assert re.search(FOREIGN[what], line.format("home" if "path" in what else ""))


def pinned(file: str) -> dict[str, str]:
    """Each package that a lock file names, with its version."""
    return dict(re.findall(r"^([a-z0-9._-]+)==([^ ;\\]+)", (ROOT / file).read_text("utf-8"), re.MULTILINE))


def wanted(group: str) -> Iterator[str]:
    for entry in PROJECT["dependency-groups"][group]:
        if isinstance(entry, str):
            yield entry
        else:
            yield from wanted(entry["include-group"])


@pytest.mark.parametrize(("file", "group"), [("requirements.txt", "build"), ("requirements-dev.txt", "dev")])
def test_the_lock_holds_what_the_project_asks_for(file: str, group: str) -> None:
    lock = pinned(file)
    asked = [Requirement(line) for line in (*PROJECT["project"]["dependencies"], *wanted(group))]
    late = [str(one) for one in asked if not one.specifier.contains(lock.get(canonicalize_name(one.name), "0"))]
    assert late == []  # else: make lock


def test_both_locks_agree() -> None:
    running, testing = pinned("requirements.txt"), pinned("requirements-dev.txt")
    assert running.items() <= testing.items()
    assert len(running) > len(PROJECT["project"]["dependencies"])


def test_every_locked_package_is_known_by_its_hashes() -> None:
    for file in ("requirements.txt", "requirements-dev.txt"):
        entries = re.split(r"\n(?=[a-z])", (ROOT / file).read_text("utf-8"))[1:]
        assert len(entries) == len(pinned(file))
        assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []
