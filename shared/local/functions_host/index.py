"""Loads a function app and lists its functions with their triggers, as the Python worker does at start.

Rules: https://learn.microsoft.com/azure/azure-functions/functions-reference-python and the loader of
`azure-functions-runtime`.
"""

from __future__ import annotations

import importlib.util
import inspect
import os
import re
import sys
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import azure.functions as func

from shared.local.functions_host.decode import converter
from shared.local.functions_host.errors import HostError
from shared.ports.queue import QueueName

ENTRY_MODULE = "function_app"
CONTEXT = "context"
EVERY_METHOD = frozenset(method.value for method in func.HttpMethod)

_PLACEHOLDER = re.compile(r"%([^%]+)%")


@dataclass(frozen=True, slots=True)
class HttpTrigger:
    """Called by a request. `route` is a template without the prefix."""

    parameter: str
    route: str
    methods: frozenset[str]
    auth_level: func.AuthLevel


@dataclass(frozen=True, slots=True)
class QueueTrigger:
    """Called with one message, or with a batch. `binary`: bodies are passed as bytes, not as text."""

    parameter: str
    queue: QueueName
    batch: bool
    binary: bool


@dataclass(frozen=True, slots=True)
class TimerTrigger:
    """Called on schedule. `monitored`: occurrences that were missed while the host was down are run once."""

    parameter: str
    schedule: str
    run_on_startup: bool
    monitored: bool


Trigger = HttpTrigger | QueueTrigger | TimerTrigger


@dataclass(frozen=True, slots=True)
class IndexedFunction:
    """A function of the app, ready to be called."""

    name: str
    call: Callable[..., Any]
    trigger: Trigger
    directory: str
    wants_context: bool

    @property
    def is_async(self) -> bool:
        """Whether `call` returns a coroutine."""
        return inspect.iscoroutinefunction(self.call)


def load_app(root: Path) -> func.FunctionApp:
    """Import `root`/function_app.py afresh and return its one function app; HostError if there is none."""
    specification = importlib.util.spec_from_file_location(ENTRY_MODULE, root / f"{ENTRY_MODULE}.py")
    if specification is None or specification.loader is None or not (root / f"{ENTRY_MODULE}.py").is_file():
        raise HostError(f"there is no {ENTRY_MODULE}.py in the app's folder")
    module = importlib.util.module_from_spec(specification)
    sys.modules[ENTRY_MODULE] = module
    specification.loader.exec_module(module)
    apps = [value for value in vars(module).values() if isinstance(value, func.FunctionRegister)]
    if len(apps) != 1:
        raise HostError(f"{ENTRY_MODULE}.py must define one function app, not {len(apps)}")
    return typing.cast("func.FunctionApp", apps[0])


def index_functions(app: func.FunctionApp, environment: Mapping[str, str] = os.environ) -> Sequence[IndexedFunction]:
    """List the functions of `app`. `%NAME%` in queues, routes and schedules is looked up in `environment`.

    HostError for a trigger or binding that this host does not serve, and for a signature that the worker
    would refuse to load.
    """
    # The app keeps the names of indexed functions and would report them as duplicates the second time.
    app.functions_bindings = None
    return tuple(_index(function, environment) for function in app.get_functions())


def _index(function: func.Function, environment: Mapping[str, str]) -> IndexedFunction:
    name = function.get_function_name() or ""
    call = function.get_user_function()
    declared = function.get_trigger()
    if declared is None:
        raise HostError(f"function {name} has no trigger")
    _refuse_other_bindings(function, name)
    parameters = set(inspect.signature(call).parameters)
    if parameters - {CONTEXT} != {declared.name}:
        raise HostError(f"function {name} must take the parameter {declared.name}, and may take {CONTEXT}")
    annotation = typing.get_type_hints(call).get(declared.name)
    if annotation is not None and not converter(str(declared.type)).check_input_type_annotation(annotation):
        raise HostError(f"function {name}: {declared.type} cannot give {declared.name} its annotated type")
    try:
        trigger = _trigger(declared.name, declared.get_dict_repr(), environment, name)
    except (LookupError, ValueError) as error:
        raise HostError(f"function {name}: {error}") from error
    return IndexedFunction(
        name=name,
        call=call,
        trigger=trigger,
        directory=str(Path(inspect.getfile(call)).parent),
        wants_context=CONTEXT in parameters,
    )


def _trigger(parameter: str, binding: Mapping[str, Any], environment: Mapping[str, str], name: str) -> Trigger:
    match binding["type"]:
        case "httpTrigger":
            return HttpTrigger(
                parameter=parameter,
                route=_resolve(binding.get("route", name), environment),
                methods=frozenset(method.value for method in binding.get("methods", ())) or EVERY_METHOD,
                auth_level=binding.get("authLevel", func.AuthLevel.FUNCTION),
            )
        case "serviceBusTrigger" if "queueName" in binding:
            return QueueTrigger(
                parameter=parameter,
                queue=QueueName(_resolve(binding["queueName"], environment)),
                batch=binding.get("cardinality") is func.Cardinality.MANY,
                binary=binding.get("dataType") is func.DataType.BINARY,
            )
        case "timerTrigger":
            return TimerTrigger(
                parameter=parameter,
                schedule=_resolve(binding["schedule"], environment),
                run_on_startup=binding.get("runOnStartup", False),
                monitored=binding.get("useMonitor", True),
            )
        case other:
            raise LookupError(f"this host does not serve the trigger {other} with {', '.join(sorted(binding))}")


def _refuse_other_bindings(function: func.Function, name: str) -> None:
    for binding in function.get_bindings():
        if binding is not function.get_trigger() and binding.type != "http":
            raise HostError(f"function {name}: this host does not serve the binding {binding.type}")


def _resolve(text: str, environment: Mapping[str, str]) -> str:
    def setting(match: re.Match[str]) -> str:
        if match[1] not in environment:
            raise LookupError(f"the setting {match[1]} is not set")
        return environment[match[1]]

    return _PLACEHOLDER.sub(setting, text)
