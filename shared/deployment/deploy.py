"""The steps of a deployment. Each finds out what is there, so that a killed run is finished by the next."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from shared.deployment.azure import Azure
from shared.deployment.checks import check_region, check_rights, missing_providers, register, signed_in
from shared.deployment.package import build_package
from shared.deployment.provisioning import changes, existing, parameters, provision, wait_for_former_run
from shared.deployment.request import Account, DeploymentRequest, Installation
from shared.deployment.running import (
    Web,
    broken_references,
    health_problems,
    publish,
    wait_for_health,
    wait_for_references,
)
from shared.errors import ConfigurationError


class DataverseSide(Protocol):
    """Installs the Dataverse side: tables, steps, the service endpoint, the application user."""

    def install(self, request: DeploymentRequest, installation: Installation) -> str:
        """Install or update it, and return what was done, in words."""
        ...


@dataclass(frozen=True, slots=True)
class Deployer:
    """What the steps need from outside."""

    azure: Azure
    web: Web
    dataverse: DataverseSide

    def plan(self, request: DeploymentRequest) -> list[str]:
        """Return what `deploy` would change in Azure, one line each; nothing is changed."""
        account = signed_in(self.azure)
        check_rights(self.azure, account, request)
        check_region(self.azure, request)
        lines = [f"register {name}" for name in missing_providers(self.azure)]
        if not self.azure.find("looking for the resource group", "group", "show", "--name", request.group):
            return [*lines, f"create the resource group {request.group}, with every resource of infra/main.bicep in it"]
        return [*lines, *changes(self.azure, request, parameters(self.azure, account, request))]

    def deploy(self, request: DeploymentRequest, package: Path) -> Installation:
        """Create or update everything; ConfigurationError with cause and cure at the first step that fails."""
        say = self.azure.say
        say("Checking sign-in, rights, region")
        account = signed_in(self.azure)
        may = check_rights(self.azure, account, request)
        check_region(self.azure, request)
        register(self.azure, missing_providers(self.azure), may)
        wait_for_former_run(self.azure, request)
        say("Deploying the resources; the first time takes about ten minutes")
        installation = provision(self.azure, request, parameters(self.azure, account, request))
        say(self.dataverse.install(request, installation))
        self._bring_up(request, account, installation, package)
        return installation

    def _bring_up(
        self, request: DeploymentRequest, account: Account, installation: Installation, package: Path
    ) -> None:
        say = self.azure.say
        wait_for_references(self.azure, lambda: broken_references(self.azure, account, request, installation))
        built = build_package(request.root, package)
        say(f"Publishing {built.files} files" + ("" if built.compiled else "; without Python 3.12 here, not compiled"))
        publish(self.azure, request, installation, built.path)
        say("Waiting for the app")
        answer = wait_for_health(self.azure, request, installation, self.web)
        for problem in answer.problems:
            say(f"The app answers, but {problem}")

    def doctor(self, request: DeploymentRequest) -> list[str]:
        """Return what is wrong with a running installation, each with what to do; nothing is changed."""
        account = signed_in(self.azure)
        installation = existing(self.azure, request)
        if installation is None:
            return [f"There is no deployment in {request.group}: run python -m shared deploy"]
        checks: list[Callable[[], list[str]]] = [
            lambda: [f"The resource provider {name} is not registered: az provider register --namespace {name}"
                     for name in missing_providers(self.azure)],
            lambda: broken_references(self.azure, account, request, installation),
            lambda: health_problems(self.azure, request, installation, self.web),
        ]  # fmt: skip
        found: list[str] = []
        for check in checks:
            try:
                found += check()
            except ConfigurationError as error:
                found.append(str(error))
        return found
