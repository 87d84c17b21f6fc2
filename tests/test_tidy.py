"""The house keeps itself tidy: lengths, dead files, leftovers, and what may be read where."""

from __future__ import annotations

import ast
import re
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CORE = ("schemas", "streams")
PRODUCT = (*CORE, "agents", "feedstream")
FOLDERS = (*PRODUCT, "benchmarks", "deploy", "tests")
FILE_LINES, FUNCTION_LINES = 400, 70
READS_ENVIRONMENT = {"agents/settings.py"}
FILES = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
OURS = [path for path in FILES if path.relative_to(ROOT).parts[0] in PRODUCT]
HARNESS = ("agents/scenarios/", "agents/testing/", "agents/world/")
"""Ships for tests, the demo and benchmarks, so tests may be its only users."""
Function = ast.FunctionDef | ast.AsyncFunctionDef


def place(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def module(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), filename=str(path))


def functions(path: Path) -> Iterator[Function]:
    return (node for node in ast.walk(tree(path)) if isinstance(node, Function))


def comments(path: Path) -> Iterator[tuple[int, str]]:
    with path.open("rb") as source:
        for token in tokenize.tokenize(source.readline):
            if token.type == tokenize.COMMENT:
                yield token.start[0], token.string


def imports(path: Path) -> set[str]:
    """Modules that a file names: in import statements, wherever they stand, or as text (``module:name`` too)."""
    found: set[str] = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.add(node.value.partition(":")[0])
    return found


def test_the_tree_was_found():
    assert len(OURS) > 70
    assert len(FILES) > len(OURS)


def test_a_file_is_one_noun_or_verb():
    long = {place(path): len(path.read_text().splitlines()) for path in FILES}
    assert {name: lines for name, lines in long.items() if lines > FILE_LINES} == {}


def test_a_function_fits_on_a_page():
    long = {
        f"{place(path)}:{node.name}": lines
        for path in FILES
        for node in functions(path)
        if (lines := (node.end_lineno or 0) - node.lineno + 1) > FUNCTION_LINES
    }
    assert long == {}


def test_nothing_is_left_to_do():
    leftover = re.compile(r"\b(TO" r"DO|FIX" r"ME|X" r"XX)\b")
    found = [
        f"{place(path)}: {line}" for path in FILES for line in path.read_text().splitlines() if leftover.search(line)
    ]
    assert found == []


def test_every_module_says_what_it_is():
    assert [place(path) for path in FILES if not ast.get_docstring(tree(path))] == []


def test_every_module_with_code_postpones_annotations():
    code = [path for path in FILES if len(tree(path).body) > 1]
    assert [place(path) for path in code if "__future__.annotations" not in imports(path)] == []


def test_every_module_is_used_or_is_a_way_in():
    """What only tests use is dead too, unless it is there for tests."""
    ways_in = {"feedstream"} | {module(path) for path in OURS if path.name in {"__main__.py", "__init__.py"}}
    by_product = {name for path in FILES if not place(path).startswith("tests/") for name in imports(path)}
    by_anybody = {name for path in FILES for name in imports(path)}
    dead = [
        place(path)
        for path in OURS
        if module(path) not in ways_in | (by_anybody if place(path).startswith(HARNESS) else by_product)
    ]
    assert dead == []


def test_only_the_settings_read_the_environment():
    names = {"environ", "environb", "getenv", "putenv"}
    readers = {
        place(path)
        for path in FILES
        if not place(path).startswith("tests/")
        for node in ast.walk(tree(path))
        if (isinstance(node, ast.Attribute) and node.attr in names and getattr(node.value, "id", "") == "os")
        or (isinstance(node, ast.ImportFrom) and node.module == "os" and names & {alias.name for alias in node.names})
    }
    assert readers == READS_ENVIRONMENT


def test_an_ignored_check_has_its_reason_beside_it():
    """The first of a kind in each file says why; the others of the file mean the same."""
    ignored = re.compile(r"#\s*(?:noqa|type:\s*ignore)(?::\s*|\[)?([\w, -]*)\]?(.*)")
    wrong = []
    for path in OURS:
        explained: set[str] = set()
        for line, text in comments(path):
            for codes, reason in ignored.findall(text):
                if re.search(r"#\s*\w+", reason):
                    explained.add(codes.strip())
                elif codes.strip() not in explained:
                    wrong.append(f"{place(path)}:{line} ignores {codes.strip() or 'everything'}")
    assert wrong == []


def test_every_public_name_of_the_core_is_documented():
    silent = [
        f"{place(path)}:{node.name}"
        for path in OURS
        if place(path).startswith(CORE)
        for owner in [tree(path), *(node for node in tree(path).body if isinstance(node, ast.ClassDef))]
        for node in owner.body
        if isinstance(node, Function | ast.ClassDef) and not node.name.startswith("_") and not ast.get_docstring(node)
    ]
    assert silent == []


def test_every_module_lists_its_public_names():
    """``__all__`` stands in every module with code but ways in, and names only what is there."""
    wrong = []
    for path in OURS:
        body = tree(path).body
        listed = [node.value for node in body if isinstance(node, ast.Assign) and _named(node) == "__all__"]
        defined = {name for node in body for name in _defines(node)}
        if not listed:
            public = any(
                not name.startswith("_") for node in body if isinstance(node, Function) for name in [node.name]
            )
            wrong += [f"{place(path)} has no __all__"] * (public and path.name != "__main__.py")
            continue
        names = set(ast.literal_eval(listed[0]))
        wrong += [f"{place(path)} lists {name}" for name in sorted(names - defined)]
    assert wrong == []


def test_every_bound_says_why_and_is_used():
    text = (ROOT / "streams" / "limits.py").read_text()
    body = ast.parse(text).body
    bounds = [(at, node.target.id) for at, node in enumerate(body) if isinstance(node, ast.AnnAssign)]  # type: ignore[union-attr]
    assert len(bounds) > 20
    explained = {name for at, name in bounds if _is_text(body[at + 1 : at + 2])}
    others = "\n".join(path.read_text() for path in FILES if path.name != "limits.py" and path.parts[-2] != "tests")
    unused = {name for _, name in bounds if not re.search(rf"limits\.{name}\b", others)}
    assert {name for _, name in bounds} - explained - {"DAY_MS"} == set()
    assert unused == set()


def _is_text(nodes: list[ast.stmt]) -> bool:
    return bool(nodes) and isinstance(nodes[0], ast.Expr) and isinstance(nodes[0].value, ast.Constant)


def _named(node: ast.Assign) -> str:
    return node.targets[0].id if isinstance(node.targets[0], ast.Name) else ""


def _defines(node: ast.stmt) -> set[str]:
    if isinstance(node, Function | ast.ClassDef):
        return {node.name}
    if isinstance(node, ast.Import | ast.ImportFrom):
        return {alias.asname or alias.name for alias in node.names}
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return {name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)}


@pytest.mark.parametrize("folder", PRODUCT)
def test_files_are_named_in_lower_case_words(folder):
    odd = [
        place(path) for path in (ROOT / folder).rglob("*.py") if not re.fullmatch(r"_{0,2}[a-z_]+(__)?\.py", path.name)
    ]
    assert odd == []
