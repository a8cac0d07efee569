"""Whoever meets an error on a page reads its cause in their language: each error of the app is made with a phrase."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
EXCEPTIONS = {
    "shared/composition/settings.py": "the app does not start, so it has no page",
    "shared/telemetry/export.py": "the app does not start, so it has no page",
    "shared/engine/apply.py": "AlreadyThereError is a sign within the engine, which nobody reads",
}
"""Modules that may make errors with plain strings, and why."""

_TEXT_METHODS = {name for name in dir(str) if not name.startswith("_")}


@cache
def tree(module: Path) -> ast.Module:
    return ast.parse(module.read_text(encoding="utf-8"))


def names_of_imports(module: ast.Module) -> Iterator[str]:
    """The dotted names that a module may import, lazily too; an imported name may be a module or not."""
    for node in ast.walk(module):
        match node:
            case ast.Import(names=names):
                yield from (one.name for one in names)
            case ast.ImportFrom(module=str(source), names=names, level=0):
                yield source
                yield from (f"{source}.{one.name}" for one in names)


def modules_of(*starts: Path) -> dict[str, ast.Module]:
    """The modules that these import, by path."""
    found: dict[str, ast.Module] = {}
    waiting = list(starts)
    while waiting:
        path = waiting.pop()
        name = path.relative_to(ROOT).as_posix()
        if name in found:
            continue
        found[name] = tree(path)
        for dotted in names_of_imports(found[name]):
            base = ROOT.joinpath(*dotted.split("."))
            waiting += [one for one in (base.with_suffix(".py"), base / "__init__.py") if one.is_file()]
    return found


def error_classes(modules: dict[str, ast.Module]) -> set[str]:
    """The names of `ConnectorError` and of all classes below it."""
    bases = {
        node.name: {_name(base) for base in node.bases}
        for module in modules.values()
        for node in ast.walk(module)
        if isinstance(node, ast.ClassDef)
    }
    found = {"ConnectorError"}
    while more := {name for name, of in bases.items() if of & found} - found:
        found |= more
    return found


def _name(of: ast.expr) -> str:
    """The last part of a dotted name."""
    match of:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""


def is_plain(text: ast.expr, texts: frozenset[str]) -> bool:
    """Whether an expression is a string that has no template. `texts` are the names of such strings."""
    match text:
        case ast.Constant(value=str()) | ast.JoinedStr() | ast.BinOp():
            return True
        case ast.Name(id=name):
            return name in texts
        case ast.IfExp(body=first, orelse=second):
            return is_plain(first, texts) or is_plain(second, texts)
        case ast.Call(func=ast.Attribute(attr=method)):
            return method in _TEXT_METHODS
        case ast.Call(func=ast.Name(id="str")):
            return True
        case _:
            return False


def plain_causes(module: ast.Module, classes: set[str]) -> list[int]:
    """The lines of a module where an error is made with a plain string."""
    texts: frozenset[str] = frozenset()
    assigned = [
        (target.id, node.value)
        for node in ast.walk(module)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    ]
    while more := {name for name, value in assigned if is_plain(value, texts)} - texts:
        texts |= more
    return sorted(
        node.lineno
        for node in ast.walk(module)
        if isinstance(node, ast.Call) and _name(node.func) in classes
        for text in [*node.args, *(one.value for one in node.keywords if one.arg == "summary")]
        if is_plain(text, texts)
    )


@pytest.fixture(scope="module")
def app() -> dict[str, ast.Module]:
    return modules_of(ROOT / "function_app.py", *(ROOT / "shared" / "triggers" / "routes").rglob("*.py"))


def test_every_error_of_the_app_is_made_with_a_phrase(app: dict[str, ast.Module]) -> None:
    classes = error_classes(app)
    plain = {name: lines for name, module in app.items() if (lines := plain_causes(module, classes))}

    assert {name: lines for name, lines in plain.items() if name not in EXCEPTIONS} == {}, (
        "take a template of shared/domain/wording, and translate it in shared/console/locale"
    )
    assert EXCEPTIONS.keys() - plain.keys() == set(), "no exception any more"


def test_every_module_that_makes_errors_for_pages_is_looked_at(app: dict[str, ast.Module]) -> None:
    assert {"shared/engine/batch_pass.py", "shared/lists/steps.py", "shared/console/pages/work/runs.py"} <= app.keys()
    assert not [name for name in app if name.startswith(("shared/local/", "shared/installation/"))]
    assert {"NotFoundError", "AwaitsRecoveryError", "_LeaseLostError", "_NotSentError"} <= error_classes(app)


@pytest.mark.parametrize(
    "made",
    [
        "raise DataError('it failed')",
        "raise errors.DataError(f'{name} failed')",
        "raise DataError(summary='it failed')",
        "error = DataError('it ' + what)",
        "raise DataError('{0} failed'.format(name))",
        "raise DataError(TEXTS[reason].rstrip('.'))",
        "raise DataError(str(problem))",
        "raise DataError(Cause.FAILED() if known else 'it failed')",
        "TEXT = 'it failed'\nOTHER = TEXT\ndef act():\n    raise DataError(OTHER)",
    ],
)
def test_a_plain_string_is_found_in_every_form(made: str) -> None:
    assert plain_causes(ast.parse(made), {"DataError"}) == [len(made.splitlines())]


@pytest.mark.parametrize(
    "made",
    [
        "raise DataError(Cause.FAILED(name=name), code='failed', detail='quoted')",
        "summary = Cause.FAILED()\nraise DataError(summary)",
        "raise DataError(error.summary)",
        "raise ValueError('it failed')",
    ],
)
def test_a_phrase_and_an_error_of_others_pass(made: str) -> None:
    assert plain_causes(ast.parse(made), {"DataError"}) == []
