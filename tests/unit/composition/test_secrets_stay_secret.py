"""No secret in logs, errors or `repr`: every object that the app opens is printed and searched, and every error."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import traceback
import types
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

import shared
from shared.composition.connections import SystemClock
from shared.composition.services import open_services
from shared.composition.settings import Settings, load_settings
from shared.errors import ConnectorError, ThrottledError, whereabouts
from shared.local.functions_host.keys import HostKeys

MARK = "Zaphodqx"
SECRET_KEY = f"{MARK}AAAABBBBCCCCDDDDEEEEFFFFGGGGHHHH="
SECRETS = {
    "SPOTLER_KEY": f"{MARK}-consumer-key",
    "SPOTLER_SECRET": f"{MARK}-consumer-secret",
    "FINGERPRINT_KEY": f"{MARK}-sixteen-or-more",
    "DATAVERSE_CLIENT_SECRET": f"{MARK}-client-secret",
    "SERVICE_BUS": f"Endpoint=sb://x.servicebus.windows.net/;SharedAccessKeyName=n;SharedAccessKey={SECRET_KEY}",
    "STATE_STORAGE": f"AccountName=x;AccountKey={SECRET_KEY};TableEndpoint=https://x.table.core.windows.net/",
}
INSIGHTS = f"InstrumentationKey={MARK};IngestionEndpoint=https://x.example.org/"
PLAIN = {
    "DATAVERSE_URL": "https://org.crm4.dynamics.com",
    "DATAVERSE_TENANT_ID": "11111111-1111-1111-1111-111111111111",
    "DATAVERSE_CLIENT_ID": "22222222-2222-2222-2222-222222222222",
}
OURS = ("shared.", "azure.", "httpx", "pydantic", "oauthlib", "aiohttp", "anyio")

THEIRS = {"azure.core.credentials.AzureNamedKey"}
"""A tuple deep inside the Tables client: nothing of ours holds it, and the client itself does not print it."""


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Settings:
    for name, value in {**SECRETS, **PLAIN, "LOCAL_FOLDER": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    return load_settings()


def reachable(root: object) -> Iterator[object]:
    """Walk from an object over attributes, slots, items, closures and bound methods, each object once."""
    seen: dict[int, object] = {}
    waiting = [root]
    while waiting:
        one = waiting.pop()
        if id(one) in seen or isinstance(one, str | bytes | int | float | type | types.ModuleType | None):
            continue
        seen[id(one)] = one
        yield one
        waiting += _parts(one)


def _parts(one: object) -> Iterable[object]:
    match one:
        case Mapping():
            yield from one.keys()
            yield from one.values()
        case list() | tuple() | set() | frozenset():
            yield from one
        case types.MethodType():
            yield one.__self__
        case types.FunctionType():
            yield from (cell.cell_contents for cell in one.__closure__ or () if _is_full(cell))
        case _:
            yield from getattr(one, "__dict__", {}).values()
            for kind in type(one).__mro__:
                names = kind.__dict__.get("__slots__", ())
                for name in (names,) if isinstance(names, str) else names:
                    yield getattr(one, name, None)


def _is_full(cell: types.CellType) -> bool:
    try:
        return cell.cell_contents is not None
    except ValueError:
        return False


def _is_ours(one: object) -> bool:
    return type(one).__module__.startswith(OURS)


async def test_no_object_that_the_app_opens_prints_a_secret(settings: Settings) -> None:
    services = open_services(settings, SystemClock())
    try:
        objects = [one for one in reachable(services) if _is_ours(one)]
        telling = {
            f"{type(one).__module__}.{type(one).__qualname__}"
            for one in objects
            for text in (repr(one), str(one), format(one))
            if MARK in text
        }
    finally:
        await services.close()

    assert telling - THEIRS == set()
    kinds = {type(one).__qualname__ for one in objects}
    # The walk is worth something only if it comes to where the secrets are.
    assert {
        "Settings",
        "DataverseClient",
        "ClientSecret",
        "OneLeggedOAuth1",
        "ServiceBusClient",
        "TableClient",
        "SecretStr",
    } <= kinds


def test_the_walk_comes_to_the_secrets_themselves(settings: Settings) -> None:
    class Holder:
        def __init__(self) -> None:
            self.call = lambda: settings

    assert settings in list(reachable(Holder()))


def test_settings_print_no_secret(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    monkeypatch.setenv("APPLICATIONINSIGHTS_CONNECTION_STRING", INSIGHTS)
    everything = load_settings()

    assert everything.applicationinsights_connection_string.get_secret_value() == INSIGHTS
    assert MARK not in f"{everything!r} {everything} {everything.model_dump()!r} {settings!r}".replace(
        repr(everything.spotler_key), ""
    )


def test_settings_that_are_wrong_are_named_without_their_value(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("FINGERPRINT_KEY", f"{MARK}"[:8])
    monkeypatch.setenv("CLAIM_SECONDS", MARK)
    with pytest.raises(ConnectorError) as refused:
        load_settings()

    assert "CLAIM_SECONDS" in str(refused.value)
    assert MARK not in "".join(traceback.format_exception(refused.value))


def test_the_keys_of_the_local_host_are_not_printed() -> None:
    assert MARK not in f"{HostKeys(master=MARK, default=MARK)!r} {HostKeys(master=MARK, default=MARK)}"


# -------------------------------------------------------------------------------------------------------------- errors


def error_classes() -> list[type[BaseException]]:
    """Every exception class of the project."""
    modules = [
        importlib.import_module(module.name)
        for module in pkgutil.walk_packages(shared.__path__, "shared.")
        if module.name != "shared.__main__" and ".sandbox" not in module.name
    ]
    return sorted(
        {
            kind
            for module in modules
            for kind in vars(module).values()
            if inspect.isclass(kind) and issubclass(kind, BaseException) and kind.__module__.startswith("shared.")
        },
        key=lambda kind: kind.__qualname__,
    )


CONNECTOR_ERRORS = [kind for kind in error_classes() if issubclass(kind, ConnectorError)]


@pytest.mark.parametrize("kind", CONNECTOR_ERRORS, ids=lambda kind: kind.__name__)
def test_texts_of_the_other_side_stay_out_of_the_text_of_an_error(kind: type[ConnectorError]) -> None:
    error = kind.__new__(kind)
    marks: dict[str, Any] = {"detail": f"the value {MARK} is wrong"}
    ConnectorError.__init__(error, "It did not work", **marks)

    assert MARK in error.detail
    assert MARK not in f"{error} {error!r} {error.args}"
    assert MARK not in "".join(traceback.format_exception(error))
    assert MARK not in whereabouts(error)


def test_the_search_covers_the_whole_tree() -> None:
    assert {ConnectorError, ThrottledError} <= set(CONNECTOR_ERRORS)
    assert len(CONNECTOR_ERRORS) >= 9


def test_a_defect_is_logged_by_its_place_and_kind_without_its_text() -> None:
    def broken() -> None:
        try:
            int(f"{MARK}@example.org")
        except ValueError as cause:
            raise KeyError(MARK) from cause

    try:
        broken()
    except KeyError as error:
        text = whereabouts(error)

    assert text.startswith("KeyError")
    assert text.endswith("broken")
    assert "\n" not in text
    assert MARK not in text
