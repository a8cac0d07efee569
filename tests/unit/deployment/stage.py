"""Somebody who deploys, on a stand-in for Azure, with an app and an organisation that answer as they are told."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from shared.deployment.change_test import ChangeEnd, ChangeTest, Way
from shared.deployment.command_line.az import AzAnswer
from shared.deployment.command_line.azure import Azure
from shared.deployment.dataverse_side import DataverseSide, Known
from shared.deployment.deploy import Deployer
from shared.deployment.request import TEMPLATE_SETTINGS, DeploymentRequest, Installation
from shared.deployment.web import Access, HealthAnswer, Lane
from shared.errors import ConfigurationError
from tests.programs.azure_stand_in import AzureStandIn

WELL = HealthAnswer(200, tables=("contact",), live=Lane(0, 0))
CALLS = 18
"""How often a first run calls az."""

DATAVERSE_DONE = ChangeTest(Way.DATAVERSE, ChangeEnd.DONE)


@dataclass
class InProcess:
    """The port to a stand-in without a process."""

    azure: AzureStandIn

    def run(self, *arguments: str) -> AzAnswer:
        return AzAnswer(*self.azure.answer(list(arguments)))


@dataclass
class FakeWeb:
    answers: list[HealthAnswer]
    keys: list[str] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)
    yaml: str | None = "the live mapping"
    resynced: list[str] = field(default_factory=list)

    def mapping(self, *_: object) -> str | None:
        return self.yaml

    def resync(self, _host: str, _access: Access, table: str, _record: UUID) -> bool:
        self.resynced.append(table)
        return True

    def health(self, host: str, access: Access) -> HealthAnswer:
        assert host == "func-1.azurewebsites.net"
        self.keys.append(access.key)
        self.tokens.add(access.token)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@dataclass
class FakeDataverse:
    """An organisation; `killed` are the steps in which the command is killed, before or after their effect."""

    test: ChangeTest | None = DATAVERSE_DONE
    planned: list[tuple[str, Known]] = field(default_factory=list)
    refusal: str = ""
    done: list[str] = field(default_factory=list)
    killed: dict[str, bool] = field(default_factory=dict)

    def plan(self, request: DeploymentRequest, known: Known) -> list[str]:
        if self.refusal:
            raise ConfigurationError(self.refusal)
        self.planned.append((request.dataverse_url, known))
        return ["Dataverse: change step one"]

    def examine(self, request: DeploymentRequest, known: Known) -> list[str]:
        self.planned.append((request.dataverse_url, known))
        return ["Dataverse: the step one is switched off"] if self.refusal else []

    def prepare(self, _request: DeploymentRequest, installation: Installation) -> str:
        self._do(f"user {installation.client_id}", "prepare")
        return "prepared"

    def connect(self, _request: DeploymentRequest, _installation: Installation, mapping: str) -> str:
        self._do(f"steps of {mapping}", "connect")
        return "connected"

    def try_change(self, _request: DeploymentRequest) -> ChangeTest | None:
        self._do("test change", "try_change")
        return self.test

    def _do(self, effect: str, step: str) -> None:
        acts = self.killed.pop(step, None)
        if acts is not False:
            self.done.append(effect)
        if acts is not None:
            raise Killed


@dataclass
class Stage:
    """A subscription, a small project, and somebody who deploys it."""

    azure: AzureStandIn
    request: DeploymentRequest
    web: FakeWeb
    dataverse: DataverseSide = field(default_factory=FakeDataverse)
    said: list[str] = field(default_factory=list)
    waited: list[float] = field(default_factory=list)

    @property
    def deployer(self) -> Deployer:
        return Deployer(Azure(InProcess(self.azure), self.said.append, self.waited.append), self.web, self.dataverse)

    def deploy(self) -> tuple[str, ...]:
        return self.deployer.deploy(self.request, self.request.root / "out" / "app.zip").problems

    def commands(self) -> list[str]:
        return [" ".join(call) for call in self.azure.calls]

    def count(self, command: str) -> int:
        return sum(one.startswith(command) for one in self.commands())


class Killed(BaseException):
    """The command ended here."""


@dataclass
class BreakingOff:
    azure: AzureStandIn
    call: int
    acts: bool

    def run(self, *arguments: str) -> AzAnswer:
        self.call -= 1
        if self.call < 0 and not self.acts:
            raise Killed
        answer = AzAnswer(*self.azure.answer(list(arguments)))
        if self.call < 0:
            raise Killed
        return answer


def staged(folder: Path) -> Stage:
    """Return a stage on a small project in a folder."""
    (folder / ".funcignore").write_text("out\n.funcignore\n")
    for name in ("function_app.py", "host.json", "requirements.txt"):
        (folder / name).write_text("")
    request = DeploymentRequest(
        folder, "a-group", "test", "westeurope", "https://contoso.crm4.dynamics.com", "key-7", "secret-8"
    )
    return Stage(AzureStandIn(template_settings=sorted(TEMPLATE_SETTINGS)), request, FakeWeb([WELL]))
