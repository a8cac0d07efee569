"""Reads a template with its modules, and returns what Azure would get."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.bicep.expressions import Names, Resource, evaluate, loop, settled
from tests.bicep.functions import FUNCTIONS, of_files
from tests.bicep.syntax import Node, parse_file, parts, text


@dataclass(frozen=True)
class Declared:
    """One resource as Azure gets it; `name` has the names of its parents before it."""

    module: str
    kind: str
    version: str
    name: str
    body: Mapping[str, Any]
    scope: str = ""


@dataclass
class Deployment:
    """All resources of a template and its modules, and the outputs of the template."""

    resources: list[Declared] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)

    def of(self, kind: str) -> list[Declared]:
        return [one for one in self.resources if one.kind == kind]


@dataclass(frozen=True)
class Parameter:
    """A parameter of a template."""

    name: str
    is_secure: bool
    description: str
    default: str | None
    """As it is written in the template; None if a value is required."""

    @property
    def is_required(self) -> bool:
        return self.default is None


def parameters_of(path: Path) -> list[Parameter]:
    """Return the parameters that a template declares."""
    found: list[Parameter] = []
    decorators = ""
    for node in parts(parse_file(path)):
        if node.type == "decorators":
            decorators = text(node)
            continue
        if node.type == "parameter_declaration":
            name, _, *default = parts(node)
            written = text(default[0]) if default else None
            found.append(Parameter(text(name), "@secure()" in decorators, decorators, written))
        decorators = ""
    return found


def deploy(path: Path, parameters: Mapping[str, Any]) -> Deployment:
    """Evaluate a template; LookupError for names and parameters that are not declared, or not given."""
    deployment = Deployment()
    _Template(path, parameters, deployment).run(deployment.outputs)
    return deployment


class _Template:
    """One file under evaluation: every name is computed when it is first asked for."""

    def __init__(self, path: Path, parameters: Mapping[str, Any], deployment: Deployment) -> None:
        self._path = path
        self._deployment = deployment
        self._nodes = parts(parse_file(path))
        self._functions = {**FUNCTIONS, **of_files(path.parent)}
        declared = {one.name for one in parameters_of(path)}
        if unknown := parameters.keys() - declared:
            raise LookupError(f"{path.name} has no parameter {', '.join(sorted(unknown))}")
        self._given = parameters
        self._names: Names = {
            text(parts(node)[0]): functools.cache(functools.partial(self._value, node))
            for node in self._nodes
            if node.type.endswith("_declaration") and node.type != "output_declaration"
        }

    def run(self, outputs: dict[str, Any]) -> None:
        for node in self._nodes:
            if node.type in {"resource_declaration", "module_declaration"}:
                self._names[text(parts(node)[0])]()
            elif node.type == "output_declaration":
                name, _, value = parts(node)
                outputs[text(name)] = settled(self._evaluate(value))

    def _evaluate(self, node: Node, **more: Any) -> Any:
        inner = {name: (lambda item=item: item) for name, item in more.items()}
        return evaluate(node, {**self._names, **inner}, self._functions)

    def _value(self, node: Node) -> Any:
        name, second, *rest = parts(node)
        match node.type:
            case "parameter_declaration":
                if text(name) in self._given:
                    return self._given[text(name)]
                if not rest:
                    raise LookupError(f"{self._path.name}: the parameter {text(name)} is not given")
                return self._evaluate(rest[0])
            case "variable_declaration":
                return self._evaluate(second)
            case "module_declaration":
                return self._bodies(rest[-1], lambda body: self._module(text(second).strip("'"), body))
            case "resource_declaration":
                is_existing = any(child.type == "existing" or text(child) == "existing" for child in node.children)
                kind, _, version = text(second).strip("'").partition("@")
                return self._bodies(
                    rest[-1], lambda body: self._resource(text(name), kind, version, body, is_existing=is_existing)
                )
            case _:
                raise LookupError(f"{node.type} is not known")

    def _bodies(self, body: Node, declare: Any) -> Any:
        """Declare one body, many (`for`), or none (`if`)."""
        if body.type == "for_statement":
            return [declare(one) for one in loop(body, self._evaluate)]
        if body.type == "if_statement":
            condition, inner = parts(body)
            return declare(self._evaluate(inner)) if self._evaluate(condition) else None
        return declare(self._evaluate(body))

    def _module(self, file: str, body: Mapping[str, Any]) -> Any:
        outputs: dict[str, Any] = {}
        _Template(self._path.parent / file, body.get("params", {}), self._deployment).run(outputs)
        return {"outputs": outputs}

    def _resource(self, symbol: str, kind: str, version: str, body: dict[str, Any], *, is_existing: bool) -> Resource:
        body = dict(body)
        parent, scope = body.pop("parent", None), body.pop("scope", None)
        name = f"{parent.name}/{body['name']}" if parent else body["name"]
        if not is_existing:
            place = scope.member("id") if scope else ""
            self._deployment.resources.append(
                Declared(self._path.stem, kind, version, name, {**settled(body), "name": name}, scope=place)
            )
        return Resource(name, kind, symbol)
