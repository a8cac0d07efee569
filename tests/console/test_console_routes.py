"""Every page and every act of the console is used by a test in a browser."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from shared.console.routes import ROUTES
from tests.console.visitors.routes_used import declared, name_of


def test_every_route_of_the_table_is_declared_by_a_test_in_a_browser() -> None:
    """The fixture `_uses_what_it_declares` has checked that the test's browser was really answered."""
    modules = [import_module(f"tests.console.{path.stem}") for path in Path(__file__).parent.glob("test_*.py")]
    tests = [one for module in modules for name, one in vars(module).items() if name.startswith("test_")]
    used = {route for test in tests for route in declared(getattr(test, "pytestmark", ()))}

    assert [name_of(route) for route in ROUTES if route not in used] == []
