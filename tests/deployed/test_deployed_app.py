"""What Azure gets is enough: the deployed files run with the deployed packages."""

from __future__ import annotations

from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from pkgutil import walk_packages
from uuid import UUID

import pytest

import shared
from shared.adapters.dataverse.events.execution_context import read_event
from shared.composition.first_mapping import DEFAULT_MAPPING, load_mapping
from shared.domain.mapping.formats.yaml_format import from_yaml, to_yaml

PROJECT = Path(__file__).parents[2]
SAMPLES = PROJECT / "tests" / "samples" / "remote_execution_context"


def test_every_deployed_module_can_be_imported() -> None:
    names = [
        module.name
        for module in walk_packages(shared.__path__, "shared.")
        if not module.name.startswith(("shared.local", "shared.deployment", "shared.installation"))
    ]

    assert len(names) > 100
    for name in names:
        import_module(name)


def test_the_functions_are_found() -> None:
    specification = spec_from_file_location("deployed_function_app", PROJECT / "function_app.py")
    assert specification is not None
    assert specification.loader is not None
    module = module_from_spec(specification)  # afresh: an app lists its functions only once
    specification.loader.exec_module(module)
    functions = module.app.get_functions()

    triggers = {function.get_trigger().type for function in functions}
    assert triggers == {"httpTrigger", "serviceBusTrigger", "timerTrigger"}


def test_a_mapping_in_yaml_is_read() -> None:
    mapping = load_mapping(DEFAULT_MAPPING)

    assert mapping.rows
    assert from_yaml(to_yaml(mapping)) == mapping


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.json")), ids=lambda path: path.stem)
def test_an_execution_context_is_read(path: Path) -> None:
    event = read_event(path.read_bytes(), "application/json", {})

    assert isinstance(event.origin.organisation, UUID)
