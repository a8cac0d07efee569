"""A stand-in for Azure behind the `az` command line: a subscription in a dictionary, that misbehaves on request.

As a program (`python azure_stand_in.py STATE_FILE ARGUMENT…`) it is `az` itself; its state is a file between calls.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

QUEUE_KEY = "q" * 43 + "="
"""As long as a key of Service Bus."""

SUBSCRIPTION = "/subscriptions/sub-1"
PROVIDERS = ("App", "AlertsManagement", "Insights", "KeyVault", "ManagedIdentity", "OperationalInsights", "ServiceBus",
             "Storage", "Web")  # fmt: skip
ROLES = {
    "b7e6dc6d-f1e8-4753-8033-0f276bb0955b": "Microsoft.Storage/storageAccounts",
    "974c5e8b-45b9-4653-ba55-5f855dd0fb88": "Microsoft.Storage/storageAccounts",
    "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3": "Microsoft.Storage/storageAccounts",
    "090c5cfd-751d-490a-894a-3ce6f1109419": "Microsoft.ServiceBus/namespaces",
    "4633458b-17de-408a-b874-0445c86b69e6": "Microsoft.KeyVault/vaults",
    "3913510d-42f4-4e42-8a64-420c390055eb": "Microsoft.Insights/components",
}
"""What a deployment of the template assigns."""


@dataclass
class Fault:
    """What goes wrong with the calls that begin with `command`, `times` times; `acts`: after the effect."""

    command: str
    error: str
    times: int = 1
    acts: bool = False


@dataclass
class AzureStandIn:
    """A subscription. Everything in it can be written as JSON."""

    signed_in: bool = True
    actions: list[str] = field(default_factory=lambda: ["*"])
    not_actions: list[str] = field(default_factory=list)
    registered: list[str] = field(default_factory=lambda: [f"Microsoft.{name}" for name in PROVIDERS])
    regions: list[str] = field(default_factory=lambda: ["West Europe", "North Europe"])
    deleted_vaults: list[dict[str, Any]] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    secrets: dict[str, str] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)
    template_settings: list[str] = field(default_factory=list)
    """The names of the settings that a deployment of the template makes."""

    roles: dict[str, str] = field(default_factory=dict)
    """The roles of the identity, each with the type of its resource, or with a whole scope."""

    sign_in: str = ""
    """The app registration of App Service Authentication; "" while that is off."""

    broken: dict[str, str] = field(default_factory=dict)
    late: int = 0
    """How many looks see the `broken` references before a new role is in force; 0: they stay broken."""

    deployment: dict[str, Any] | None = None
    package: str = ""
    plan: str = ""
    busy: int = 0
    """How many looks see a deployment for the environment `busy_with` that has not ended."""

    busy_with: str = "test"
    kills_at: int = 0
    """The call after which az kills the program that called it."""

    calls: list[list[str]] = field(default_factory=list)
    faults: list[dict[str, Any]] = field(default_factory=list)

    def fails(self, *faults: Fault) -> None:
        self.faults += [vars(fault) for fault in faults]

    def answer(self, arguments: list[str]) -> tuple[int, str, str]:
        """Return exit code, output and error."""
        self.calls.append(arguments)
        fault = next(
            (one for one in self.faults if " ".join(arguments).startswith(one["command"]) and one["times"]), None
        )
        if fault is not None:
            fault["times"] -= 1
            if fault["acts"]:
                self._act(arguments)
            return 1, "", f"ERROR: {fault['error']}"
        if not self.signed_in:
            return 1, "", "ERROR: Please run 'az login' to setup account."
        try:
            return 0, json.dumps(self._act(arguments)), ""
        except LookupError as error:
            return 3, "", f"ERROR: (ResourceNotFound) {error.args[0]} could not be found"

    def _act(self, arguments: list[str]) -> Any:  # noqa: C901, PLR0911, PLR0912  # one answer for each command
        words, options = _read(arguments)
        match words:
            case ["account", "show"]:
                return {"id": "sub-1", "tenantId": "tenant-1", "user": {"type": "user", "name": "someone"}}
            case ["account", "get-access-token"] if options["resource"] == f"api://{self.sign_in}":
                return {"accessToken": "token-1"}
            case ["account", "get-access-token"]:
                raise LookupError("A token for that organisation")
            case ["role", "assignment", "list"]:
                group = f"{SUBSCRIPTION}/resourceGroups/{self.groups[0]}"
                return [
                    {
                        "roleDefinitionId": f"/roleDefinitions/{role}",
                        "scope": where if where.startswith("/") else f"{group}/providers/{where}/one",
                    }
                    for role, where in self.roles.items()
                ]
            case ["ad", "signed-in-user", "show"]:
                return {"id": "person-1"}
            case ["provider", "list"]:
                return [
                    {"namespace": f"Microsoft.{name}", "registrationState": self._state(name)} for name in PROVIDERS
                ]
            case ["provider", "register"]:
                return self.registered.append(options["namespace"])
            case ["functionapp", "list-flexconsumption-locations"]:
                return [{"name": name} for name in self.regions]
            case ["keyvault", "list-deleted"]:
                return self.deleted_vaults
            case ["group", "create"]:
                return None if options["name"] in self.groups else self.groups.append(options["name"])
            case ["storage", "blob", "upload"]:
                self.package = options["file"]
                return {}
            case ["rest"]:
                return self._rest(options["url"].removeprefix("https://management.azure.com").partition("?")[0])
            case _:
                return self._in_group(words, options)

    def _in_group(self, words: list[str], options: dict[str, str]) -> Any:  # noqa: C901, PLR0911, PLR0912  # as above
        group = options.get("resource-group", options.get("name"))
        if group not in self.groups:
            raise LookupError(f"Resource group {group}")
        tags = {"azd-env-name": (self.deployment or {}).get("environment")}
        match words:
            case ["group", "show"]:
                return {"name": group}
            case ["keyvault", "list"]:
                return [{"id": "/vaults/kv-1", "tags": tags}] if self.secrets else []
            case ["identity", "list"]:
                return [{"principalId": "principal-1", "tags": tags}] if self.deployment else []
            case ["functionapp", "list"]:
                host = "func-1.azurewebsites.net"
                return [{"name": "func-1", "tags": tags, "defaultHostName": host}] if self.settings else []
            case ["functionapp", "config", "appsettings", "list"]:
                return [{"name": name, "value": value} for name, value in self.settings.items()]
            case ["functionapp", "keys", "list"]:
                return {"functionKeys": {"default": "function-key-1"}}
            case ["functionapp", "deployment", "source", "config-zip"]:
                self.package = options["src"]
                return {}
            case ["functionapp", "restart"]:
                return None
            case ["servicebus", "queue", "authorization-rule", "keys", "list"]:
                return {"keyName": options["name"], "primaryKey": QUEUE_KEY}
            case ["deployment", "group", "list"]:
                return self._listed()
            case ["deployment", "group", "what-if"]:
                change = "NoChange" if self.deployment else "Create"
                return {
                    "changes": [{"changeType": change, "resourceId": f"{SUBSCRIPTION}/providers/Microsoft.Web/sites/f"}]
                }
            case ["deployment", "group", "validate"]:
                return {}
            case ["deployment", "group", "create"]:
                return self._deploy(json.loads(Path(options["parameters"].removeprefix("@")).read_text())["parameters"])
            case _:
                raise AssertionError(f"az knows no {words}")

    def _deploy(self, given: dict[str, Any]) -> Any:
        values = {name: one["value"] for name, one in given.items()}
        for secret, parameter in (("spotler-key", "spotlerKey"), ("spotler-secret", "spotlerSecret"),
                                  ("fingerprint-key", "fingerprintKey")):  # fmt: skip
            if values[parameter]:
                self.secrets[secret] = values[parameter]
        self.plan = values["plan"]
        made = dict.fromkeys(self.template_settings, "made")
        self.roles = dict(ROLES)
        self.settings = {**made, "ENVIRONMENT": values["environmentName"], "SPOTLER_KEY": "@…", **values["appSettings"]}
        outputs = {
            "functioN_APP_NAME": "func-1", "functioN_APP_HOST": "func-1.azurewebsites.net",
            "identitY_CLIENT_ID": "client-1",
            "servicE_BUS_NAMESPACE": "sb-1.servicebus.windows.net", "dataversE_QUEUE": "dataverse-events",
            "dataversE_QUEUE_RULE": "dataverse", "keY_VAULT_NAME": "kv-1",
            "storagE_ACCOUNT": "st1", "packagE_CONTAINER": "app-package",
        }  # fmt: skip
        self.deployment = {
            "environment": values["environmentName"],
            "properties": {
                "provisioningState": "Succeeded",
                "outputs": {name: {"type": "String", "value": value} for name, value in outputs.items()},
            },
        }
        return self.deployment

    def _listed(self) -> list[Any]:
        ended = [] if self.deployment is None else [self.deployment]
        if not self.busy:
            return ended
        self.busy -= 1
        running = {"provisioningState": "Running", "parameters": {"environmentName": {"value": self.busy_with}}}
        return [*ended, {"name": f"{self.busy_with}-1767225600", "properties": running}]

    def _rest(self, path: str) -> Any:
        if path.endswith("/syncfunctiontriggers"):
            return None
        if path.endswith("/permissions"):
            return {"value": [{"actions": self.actions, "notActions": self.not_actions}]}
        if path.endswith("/config/authsettingsV2"):
            directory = {"registration": {"clientId": self.sign_in}}
            platform = {"enabled": bool(self.sign_in)}
            return {"properties": {"platform": platform, "identityProviders": {"azureActiveDirectory": directory}}}
        if path.endswith("/configreferences/appsettings"):
            states = {"SPOTLER_KEY": "Resolved", **self.broken}
            if self.late == 1:
                self.broken = {}
            self.late = max(0, self.late - 1)
            return {"value": [{"name": name, "properties": {"status": state}} for name, state in states.items()]}
        if (secret := path.rpartition("/")[2]) in self.secrets:
            return {"name": secret, "properties": {}}
        raise LookupError(path)

    def _state(self, name: str) -> str:
        return "Registered" if f"Microsoft.{name}" in self.registered else "NotRegistered"


def _read(arguments: list[str]) -> tuple[list[str], dict[str, str]]:
    """Return the words of a command and its options."""
    words: list[str] = []
    options: dict[str, str] = {}
    for one in arguments:
        if one.startswith("--"):
            options[one.removeprefix("--")] = ""
        elif options:
            options[list(options)[-1]] = one
        else:
            words.append(one)
    return words, options


def main() -> int:
    file = Path(sys.argv[1])
    azure = AzureStandIn(**json.loads(file.read_text()))
    code, output, error = azure.answer(sys.argv[2:])
    file.write_text(json.dumps(vars(azure)))
    if len(azure.calls) == azure.kills_at:
        os.kill(os.getppid(), signal.SIGKILL)
    sys.stdout.write(output)
    sys.stderr.write(error)
    return code


if __name__ == "__main__":
    sys.exit(main())
