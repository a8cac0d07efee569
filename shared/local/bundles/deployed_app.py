"""The environment of a deployed app: its mapping over HTTPS, its settings by the az command line."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

import httpx

from shared.adapters.dataverse.rows.environment_variables import DataverseEnvironmentVariables
from shared.adapters.dataverse.web_api.client import DataverseClient
from shared.adapters.dataverse.web_api.credentials import PUBLIC_CLOUD, AzureCli, Credential, token_provider
from shared.administration.mapping_service import MappingChange
from shared.deployment.command_line.azure import Azure
from shared.deployment.command_line.files import private_json
from shared.deployment.web import Access
from shared.errors import ConfigurationError
from shared.local.bundles.bundle import Bundle, PastVersion
from shared.local.bundles.carried import carried_of
from shared.local.bundles.environments import MappingResult, defaults_of, write_defaults

_TIMEOUT = 120.0
_PREFIX = "dh"


class DeployedApp:
    """Implements `RunningEnvironment` with the rights of whoever is signed in to az."""

    def __init__(
        self,
        azure: Azure,
        group: str,
        name: str,
        url: str,
        *,
        token: str = "",
        credential: Credential | None = None,
        authority: str = PUBLIC_CLOUD,
    ) -> None:
        """`name` is that of the app in its resource group, `url` its address; `credential` is for Dataverse.

        `token` passes App Service Authentication, where that is on.
        """
        self._token = token
        self._azure = azure
        self._named = ("--resource-group", group, "--name", name)
        self._url = url
        self._credential = credential or AzureCli()
        self._authority = authority

    async def bundle(self) -> Bundle:
        """See RunningEnvironment."""
        settings = self._settings()
        async with self._app() as http:
            live = await _answer(http, "GET", "mapping")
            listed = (await _answer(http, "GET", "mapping/history")).json()["versions"]
            history = []
            for one in listed:
                text = (await _answer(http, "GET", f"mapping?version={one['version']}")).text
                history.append(PastVersion(one["version"], one["at"], one["by"], one["comment"], text))
        async with self._variables(settings) as variables:
            defaults = await defaults_of(variables, settings.get("VARIABLE_PREFIX", _PREFIX))
        return Bundle(live.text, carried_of(settings), defaults, tuple(history))

    async def apply_mapping(self, text: str, change: MappingChange) -> MappingResult:
        """See RunningEnvironment."""
        query = {"by": change.by, "comment": change.comment, "accept": ",".join(sorted(change.accepted))}
        async with self._app() as http:
            answer = await http.put("mapping", params=query, content=text.encode(), headers=_base(change))
        if answer.status_code not in {HTTPStatus.OK, HTTPStatus.CONFLICT}:
            raise _refused(answer)
        body = answer.json()
        findings = tuple(f"{one['severity']} {one['code']}: {one['text']}" for one in body["findings"])
        if answer.status_code == HTTPStatus.CONFLICT:
            return MappingResult(0, (*findings, body["error"]))
        return MappingResult(body["version"], findings)

    async def apply_settings(self, wanted: Mapping[str, str], removed: frozenset[str]) -> str:
        """See RunningEnvironment. Azure restarts the app by itself."""
        command = ("functionapp", "config", "appsettings")
        if wanted:
            with private_json(dict(wanted)) as file:
                self._azure.ask("setting the settings", *command, "set", *self._named, "--settings", f"@{file}")
        if removed:
            names = ("--setting-names", *sorted(removed))
            self._azure.ask("removing settings", *command, "delete", *self._named, *names)
        return f"Settings are changed: {', '.join(sorted({*wanted, *removed}))}"

    async def apply_defaults(self, wanted: Mapping[str, str]) -> str:
        """See RunningEnvironment."""
        settings = self._settings()
        async with self._variables(settings) as variables:
            return await write_defaults(variables, settings.get("VARIABLE_PREFIX", _PREFIX), wanted)

    def _settings(self) -> dict[str, str]:
        listed = self._azure.ask("reading the settings", "functionapp", "config", "appsettings", "list", *self._named)
        return {one["name"]: one["value"] for one in listed}

    @asynccontextmanager
    async def _app(self) -> AsyncIterator[httpx.AsyncClient]:
        keys = self._azure.ask("reading the keys", "functionapp", "keys", "list", *self._named)
        headers = Access(keys["masterKey"], self._token).headers
        async with httpx.AsyncClient(base_url=f"{self._url}/api/", headers=headers, timeout=_TIMEOUT) as http:
            yield http

    @asynccontextmanager
    async def _variables(self, settings: Mapping[str, str]) -> AsyncIterator[DataverseEnvironmentVariables]:
        url = settings["DATAVERSE_URL"]
        tokens = token_provider(self._credential, url, authority=self._authority)
        async with DataverseClient(url, tokens) as client:
            yield DataverseEnvironmentVariables(client)


def _base(change: MappingChange) -> dict[str, str]:
    return {} if change.base is None else {"if-match": f'"{change.base}"'}


async def _answer(http: httpx.AsyncClient, method: str, path: str) -> httpx.Response:
    try:
        answer = await http.request(method, path)
    except httpx.HTTPError as error:
        raise ConfigurationError(f"The app does not answer: {type(error).__name__}") from None
    if answer.is_error:
        raise _refused(answer)
    return answer


def _refused(answer: httpx.Response) -> ConfigurationError:
    try:
        body: Any = answer.json()
    except json.JSONDecodeError:
        body = {}
    text = body.get("error", "") if isinstance(body, dict) else ""
    return ConfigurationError(f"The app answers {answer.status_code} to {answer.request.url.path}. {text}".strip())
