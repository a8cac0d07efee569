"""The steps of a deployment. Each finds out what is there, so that a killed run is finished by the next."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared.deployment.change_test import outcome, try_queue
from shared.deployment.checks import check_names, check_region, check_rights, missing_providers, register, signed_in
from shared.deployment.command_line.azure import Azure
from shared.deployment.dataverse_side import DataverseSide
from shared.deployment.examination.doctor import examine
from shared.deployment.examination.known import known_of
from shared.deployment.provisioning import (
    changes,
    parameters,
    provision,
    wait_for_former_run,
)
from shared.deployment.publishing import build, publish
from shared.deployment.request import Account, DeploymentRequest, Installation
from shared.deployment.running import (
    access_to,
    broken_references,
    wait_for_health,
    wait_for_references,
)
from shared.deployment.web import Web
from shared.errors import ConfigurationError

_NOT_TRIED = "No test change was sent: cure what is not well, and run the command again"


@dataclass(frozen=True, slots=True)
class Deployed:
    """What exists now, and what is not well with it, each with what to do."""

    installation: Installation
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Deployer:
    """What the steps need from outside."""

    azure: Azure
    web: Web
    dataverse: DataverseSide

    def plan(self, request: DeploymentRequest) -> list[str]:
        """Return what `deploy` would change in Azure and Dataverse, one line each; nothing is changed."""
        account = signed_in(self.azure)
        check_names(self.azure, request)
        check_rights(self.azure, account, request)
        check_region(self.azure, request)
        lines = [f"register {name}" for name in missing_providers(self.azure)]
        if not self.azure.find("looking for the resource group", "group", "show", "--name", request.group):
            lines.append(f"create the resource group {request.group}, with every resource of infra/main.bicep in it")
        else:
            lines += changes(self.azure, request, parameters(self.azure, account, request))
        try:
            lines += self.dataverse.plan(request, known_of(self.azure, self.web, account, request))
        except ConfigurationError as error:
            lines.append(f"In Dataverse nothing can be planned: {error}")
        return lines

    def check(self, request: DeploymentRequest) -> Account:
        """Check sign-in, rights and region, register providers, wait for a former run; return who is signed in."""
        self.azure.say("Checking sign-in, names, rights, region")
        account = signed_in(self.azure)
        check_names(self.azure, request)
        may = check_rights(self.azure, account, request)
        check_region(self.azure, request)
        register(self.azure, missing_providers(self.azure), may)
        wait_for_former_run(self.azure, request)
        return account

    def parameters(self, request: DeploymentRequest, account: Account) -> dict[str, Any]:
        """Return the parameters of the template; see `provisioning.parameters`."""
        return parameters(self.azure, account, request)

    def deploy(self, request: DeploymentRequest, package: Path) -> Deployed:
        """Create or update everything; ConfigurationError with cause and cure at the first step that fails."""
        say = self.azure.say
        account = self.check(request)
        say("Deploying the resources; the first time takes about ten minutes")
        installation = provision(self.azure, request, self.parameters(request, account))
        say(self.dataverse.prepare(request, installation))
        wait_for_references(self.azure, lambda: broken_references(self.azure, account, request, installation))
        built = build(request, package)
        say(f"Publishing {built.files} files" + ("" if built.compiled else "; without Python 3.12 here, not compiled"))
        publish(self.azure, account, request, installation, built.path)
        return Deployed(installation, self.connect(request, account, installation))

    def connect(self, request: DeploymentRequest, account: Account, installation: Installation) -> tuple[str, ...]:
        """Wait for the published app, let Dataverse send to it, and send a test change; return what is not well.

        ConfigurationError if the app does not answer, or cannot tell its mapping.
        """
        say = self.azure.say
        wait_for_references(self.azure, lambda: broken_references(self.azure, account, request, installation))
        say("Waiting for the app")
        access = access_to(self.azure, account, request, installation)
        answer = wait_for_health(self.azure, installation, self.web, access)
        mapping = self.web.mapping(installation.host, access)
        if mapping is None:
            raise ConfigurationError(
                "The app cannot tell its mapping, so the steps of Dataverse stay as they are. "
                f"{_listed(answer.problems)}Look at the log stream of {installation.app}, and run the command again"
            )
        say(self.dataverse.connect(request, installation, mapping))
        if answer.problems:
            return (*(f"The app answers, but {one}" for one in answer.problems), _NOT_TRIED)
        say("Sending a test change")
        test = self.dataverse.try_change(request) or try_queue(self.azure, installation, self.web, access)
        told = outcome(test, installation)
        if not test.is_well:
            return (told,)
        say(told)
        return ()

    def doctor(self, request: DeploymentRequest) -> list[str]:
        """Return what is wrong with a running installation, each with what to do; nothing is changed."""
        return examine(self.azure, self.web, self.dataverse, request)


def _listed(problems: tuple[str, ...]) -> str:
    return "".join(f"{one}. " for one in problems)
