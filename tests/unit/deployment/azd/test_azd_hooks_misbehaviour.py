"""The hooks of azd wait for what needs time, and name the cure of what does not pass."""

from __future__ import annotations

import signal
from typing import Any

import pytest

from tests.unit.deployment.app_stand_in import AppStandIn
from tests.unit.deployment.azd.azd_programs import Programs, after_deploy


@pytest.mark.parametrize(
    ("state", "cure"),
    [
        ({"signed_in": False}, "az login"),
        ({"not_actions": ["Microsoft.Authorization/*/write"]}, "Role Based Access Control Administrator"),
        ({"actions": ["*/read"]}, "ask for the role Contributor"),
        ({"regions": ["North Europe"]}, "choose --location from northeurope"),
        ({"registered": [], "not_actions": ["*/register/action"]}, "az provider register"),
    ],
    ids=["not-signed-in", "no-right-to-assign", "no-right-to-deploy", "no-region", "provider-missing"],
)
def test_what_a_person_must_do_is_one_sentence_and_stops_azd(
    programs: Programs, state: dict[str, Any], cure: str
) -> None:
    programs.begin_with(**state)

    ran = programs.hook("preprovision")

    assert ran.returncode == 1
    assert ran.stderr.startswith("error: ")
    assert ran.stderr.count("\n") == 1
    assert cure in ran.stderr
    assert programs.told == []


def test_missing_providers_are_registered_by_those_who_may(programs: Programs) -> None:
    programs.begin_with(registered=[])

    assert programs.hook("preprovision").returncode == 0
    assert "Microsoft.App" in programs.azure["registered"]


@pytest.mark.parametrize(
    "error", ["(TooManyRequests) Retry-After: 7", "503 Service Unavailable", "(AnotherOperationInProgress)"]
)
def test_what_only_needs_time_gets_it(programs: Programs, error: str) -> None:
    programs.fails("provider list", error, times=3)

    ran = programs.hook("preprovision")

    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.count("waiting") == 3


def test_a_right_that_is_not_in_force_yet_is_waited_for(programs: Programs, app: AppStandIn) -> None:
    programs.fails("functionapp keys list", "AuthorizationPermissionMismatch", times=4)

    assert after_deploy(programs, app).returncode == 0


def test_a_role_on_the_key_vault_that_comes_late_is_waited_for(programs: Programs, app: AppStandIn) -> None:
    programs.begin_with(broken={"SPOTLER_KEY": "AccessToKeyVaultDenied"}, late=3)

    ran = after_deploy(programs, app)

    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.count("waiting for the key vault references") == 3


def test_a_name_that_is_taken_is_told_with_its_cure(programs: Programs, app: AppStandIn) -> None:
    programs.fails("functionapp keys list", "(StorageAccountAlreadyTaken)")

    assert "choose another --environment" in after_deploy(programs, app).stderr


def test_a_former_provisioning_is_waited_for(programs: Programs) -> None:
    programs.begin_with(groups=["a-group"], busy=2)

    ran = programs.hook("preprovision")

    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.count("A former run is still deploying") == 2


@pytest.mark.parametrize("call", [4, *(pytest.param(one, marks=pytest.mark.slow) for one in (1, 7))])
def test_a_hook_that_is_killed_half_way_is_finished_by_the_next(programs: Programs, call: int) -> None:
    programs.begin_with(kills_at=call, registered=[])

    assert programs.hook("preprovision").returncode == -signal.SIGKILL
    assert programs.told == []
    assert programs.hook("preprovision").returncode == 0
    assert len(programs.told) == 2
