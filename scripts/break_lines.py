"""Breaks one line of the core at a time and tells which breaks no test noticed.

    python -m scripts.break_lines --files 'asma_core/metrics/*.py' --count 40 --seed 1

Each break is made in a copy of the tree, never here, and the tests that mirror the broken file run
there. A break that lived is a test that is missing, or a break that changes nothing: a person tells
which. Outside the gate, as a pass takes up to minutes a break.
"""

from __future__ import annotations

import argparse
import ast
import copy
import json
import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from fnmatch import fnmatch
from pathlib import Path
from queue import SimpleQueue
from typing import Final

PROJECT: Final = Path(__file__).resolve().parents[1]
FILES: Final = (
    *("asma_core/attacks/**/*.py", "asma_core/metrics/*.py", "asma_core/experiments/*.py"),
    *("asma_core/data/masks/*.py", "asma_core/runs/*.py"),
)
# Tests mirror the tree: these rooms' tests, and what else a file of theirs is held to. Tests that
# kill processes take long, so they are asked about the files alone that they are about.
SLOW: Final = ("-k", "not demo_networks and not test_crashes")
TESTS: Final = {
    "attacks/batching*": ("attacks/test_batching",),
    "attacks/*": ("attacks", *SLOW),
    "data/masks/*": ("data/masks", "data/test_importing", "runs/test_sources"),
    "experiments/*": ("experiments", "jobs/test_experiments"),
    "metrics/*": ("metrics",),
    "runs/store*": ("runs",),
    "runs/job_table*": ("runs",),
    "runs/process_locks*": ("runs",),
    "runs/database*": ("runs",),
    "runs/*": ("runs", *SLOW),
}
# One process loads what all tests need, and each break's is its copy; none of the core is in it.
FORKS: Final = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["monai.metrics", "monai.networks.nets", "PIL.Image"])
# No bytecode is kept: a break of the same second and length would go unread.
ENVIRONMENT: Final = {"OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
# Only a break that hangs takes so long, in seconds.
HANGS: Final = 900

Operators = dict[type[ast.AST], type[ast.AST]]
_TWICE: Final[Operators] = {
    **{ast.Gt: ast.GtE, ast.Lt: ast.LtE, ast.Eq: ast.NotEq, ast.In: ast.NotIn, ast.Is: ast.IsNot},
    **{ast.And: ast.Or, ast.BitAnd: ast.BitOr, ast.Add: ast.Sub, ast.Mult: ast.Div},
}
SWAPS: Final[Operators] = _TWICE | {new: old for old, new in _TWICE.items()} | {ast.Pow: ast.Mult}
NAMES: Final = {"min": "max", "minimum": "maximum", "amin": "amax"}
OTHERS: Final = NAMES | {new: old for old, new in NAMES.items()}
LEFT_OUT: Final = ("clamp", "where", "floor", "ceil", "round", "abs", "neg")
CONSTANTS: Final = {"bool": ("True", "False"), "int": ("0",), "float": ("0.0",), "str": ("''",)}


@dataclass(frozen=True)
class Break:
    """A line and what it becomes.

    Attributes:
        file: Relative to the project.
        line: Of its first character.
        start: Place of the first character that changes, in bytes.
        end: Of the first that stays.
        before: What stands there.
        after: What comes there.
    """

    file: str
    line: int
    start: int
    end: int
    before: str
    after: str


def main() -> int:
    """Make the breaks that were asked for and print those that lived; 1 when there are any."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", nargs="+", default=FILES, metavar="GLOB")
    parser.add_argument("--count", type=int, default=40, help="most breaks")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=1, help="copies of the tree at once")
    parser.add_argument("--json", action="store_true", help="print one object for all breaks")
    options = parser.parse_args()
    os.environ.update(ENVIRONMENT)
    chosen = drawn(options.files, options.count, options.seed)
    with tempfile.TemporaryDirectory() as folder:
        ends = list(_tried(chosen, Path(folder), options.workers))
    told = [asdict(one) | {"end": end} for one, end in zip(chosen, ends, strict=True)]
    lived = sum(end == "lived" for end in ends)
    if options.json:
        print(json.dumps({"seed": options.seed, "lived": lived, "breaks": told}, indent=1))
    else:
        print(f"{lived} of {len(ends)} breaks lived")
    return 1 if lived else 0


def drawn(globs: list[str], count: int, seed: int) -> list[Break]:
    """Return breaks of as many lines, drawn among all lines; one of each line's."""
    by_line: dict[tuple[str, int], list[Break]] = {}
    for path in sorted({path for glob in globs for path in PROJECT.glob(glob)}):
        for one in breaks(path):
            by_line.setdefault((one.file, one.line), []).append(one)
    draw = random.Random(seed)
    lines = draw.sample(sorted(by_line), min(count, len(by_line)))
    return [draw.choice(by_line[line]) for line in lines]


def breaks(path: Path) -> Iterator[Break]:
    """Return all breaks of a file."""
    source = path.read_bytes()
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    for node, after in _changes(ast.parse(source)):
        start = starts[node.lineno - 1] + node.col_offset
        end = starts[(node.end_lineno or 0) - 1] + (node.end_col_offset or 0)
        before = source[start:end].decode()
        if _is_python(source[:start] + after.encode() + source[end:]):
            yield Break(
                path.relative_to(PROJECT).as_posix(), node.lineno, start, end, before, after
            )


def _is_python(source: bytes) -> bool:
    try:
        ast.parse(source)
    except SyntaxError:
        return False
    return True


def _changes(tree: ast.AST) -> Iterator[tuple[ast.expr, str]]:
    """Return expressions and what they become."""
    for node in _code(tree):
        if isinstance(node, ast.expr):
            yield from ((node, text) for text in _other(node))
        elif isinstance(node, ast.FunctionDef):
            yield from _constant_returns(node)


def _code(node: ast.AST) -> Iterator[ast.AST]:
    """Walk what runs: no annotations, no texts and what is put into them, no raised errors."""
    yield node
    for name, field in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list", "ctx"):
            continue
        for child in field if isinstance(field, list) else [field]:
            if isinstance(child, ast.AST) and not isinstance(child, ast.Raise | ast.JoinedStr):
                yield from _code(child)


def _other(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant):
        yield from _constants(node.value)
    elif isinstance(node, ast.UnaryOp):
        yield ast.unparse(node.operand)
    elif isinstance(node, ast.Compare | ast.BoolOp | ast.BinOp):
        yield from _operations(node)
    elif isinstance(node, ast.Call):
        yield from _calls(node)
    elif isinstance(node, ast.Tuple | ast.List | ast.Set | ast.Dict):
        yield from _members(node)


def _constants(value: object) -> Iterator[str]:
    if isinstance(value, bool):
        yield str(not value)
    elif isinstance(value, int):
        yield str(value + 1)
    elif isinstance(value, float):
        yield str(2.0 * value if value else 1.0)


def _operations(node: ast.Compare | ast.BoolOp | ast.BinOp) -> Iterator[str]:
    swapped = copy.copy(node)
    if isinstance(swapped, ast.Compare):
        swapped.ops = [_swapped(op) for op in swapped.ops]  # type: ignore[misc]
    else:
        swapped.op = _swapped(swapped.op)  # type: ignore[assignment]
    yield f"({ast.unparse(swapped)})"
    if isinstance(node, ast.BoolOp):
        yield from (f"({ast.unparse(value)})" for value in node.values)
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.BitAnd):
        yield from (f"({ast.unparse(value)})" for value in (node.left, node.right))


def _swapped(op: ast.AST) -> ast.AST:
    return SWAPS.get(type(op), type(op))()


def _calls(node: ast.Call) -> Iterator[str]:
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    if name in OTHERS:
        start = ast.unparse(node.func).removesuffix(name)
        yield start + OTHERS[name] + ast.unparse(node).removeprefix(start + name)
    if isinstance(node.func, ast.Attribute) and name.startswith(LEFT_OUT):
        module = getattr(node.func.value, "id", "") in ("torch", "np")
        yield from map(ast.unparse, node.args[-2:] if module else [node.func.value])
    for place, keyword in enumerate(node.keywords):
        if keyword.arg:
            fewer = copy.copy(node)
            fewer.keywords = node.keywords[:place] + node.keywords[place + 1 :]
            yield ast.unparse(fewer)


def _is_ellipsis(node: ast.AST | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is ...


def _members(node: ast.Tuple | ast.List | ast.Set | ast.Dict) -> Iterator[str]:
    lists = [name for name in ("keys", "values", "elts") if hasattr(node, name)]
    members = getattr(node, lists[0])
    is_place = isinstance(getattr(node, "ctx", None), ast.Store)
    is_place |= any(isinstance(one, ast.Slice) or _is_ellipsis(one) for one in members)
    if is_place or len(members) < 2:
        return
    for place in range(len(members)):
        fewer = copy.copy(node)
        for name in lists:
            own = getattr(node, name)
            setattr(fewer, name, own[:place] + own[place + 1 :])
        yield ast.unparse(fewer)


def _constant_returns(function: ast.FunctionDef) -> Iterator[tuple[ast.expr, str]]:
    constants = CONSTANTS.get(getattr(function.returns, "id", ""), ())
    for node in _code(function):
        if isinstance(node, ast.Return) and node.value is not None:
            yield from ((node.value, text) for text in constants)


def _tried(chosen: list[Break], folder: Path, workers: int) -> Iterator[str]:
    """Return how each break ended: died, lived or hung."""
    trees: SimpleQueue[Path] = SimpleQueue()
    for number in range(workers):
        trees.put(_copied(folder / str(number)))
    tree = trees.get()
    if _tested(_paths(chosen), tree) != "lived":
        raise SystemExit("the tests fail without any break; mend them first")
    trees.put(tree)

    def attempt(one: Break) -> str:
        tree = trees.get()
        try:
            return _attempt(one, tree)
        finally:
            trees.put(tree)

    with ThreadPoolExecutor(workers) as pool:
        for one, end in zip(chosen, pool.map(attempt, chosen), strict=True):
            print(f"{end}  {one.file}:{one.line}  {one.before!r} -> {one.after!r}", file=sys.stderr)
            yield end


def _paths(chosen: list[Break]) -> list[str]:
    """Return what all breaks together are tested by."""
    arguments = {path: None for one in chosen for path in tests_of(one.file) if "/" in path}
    return [*arguments, *SLOW]


def _copied(tree: Path) -> Path:
    """Copy what git knows of, as it is now."""
    listed = subprocess.run(["git", "ls-files"], cwd=PROJECT, capture_output=True, check=True)
    for name in listed.stdout.decode().splitlines():
        if (PROJECT / name).is_file():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(PROJECT / name, tree / name)
    return tree


def _attempt(one: Break, tree: Path) -> str:
    whole = (tree / one.file).read_bytes()
    try:
        (tree / one.file).write_bytes(whole[: one.start] + one.after.encode() + whole[one.end :])
        return _tested(tests_of(one.file), tree)
    finally:
        (tree / one.file).write_bytes(whole)


def tests_of(file: str) -> list[str]:
    """Return the arguments of pytest that name a file's tests."""
    own = next(own for glob, own in TESTS.items() if fnmatch(file, f"asma_core/{glob}"))
    options = own.index("-k") if "-k" in own else len(own)
    paths = [f"tests/{name}.py" if "test_" in name else f"tests/{name}" for name in own[:options]]
    return [*paths, *own[options:]]


def _tested(tests: list[str], tree: Path) -> str:
    running = FORKS.Process(target=_pytest, args=(tests, tree))
    running.start()
    running.join()
    if running.exitcode == -signal.SIGALRM:
        return "hung"
    return "died" if running.exitcode else "lived"


def _pytest(tests: list[str], tree: Path) -> None:
    """Run tests in the copy; what hangs ends by itself, whatever became of who waits for it."""
    signal.alarm(HANGS)
    os.chdir(tree)
    sys.path[:] = [str(tree), *(path for path in sys.path if path not in ("", str(PROJECT)))]
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    import pytest

    sys.exit(int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", *tests])))


if __name__ == "__main__":
    sys.exit(main())
