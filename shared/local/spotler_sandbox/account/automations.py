"""Automations that an external trigger starts. Listing, fields and stopping are proposals; triggering is documented."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid5

from shared.local.spotler_sandbox.account.contacts import Contact

_NAMESPACE = UUID("6f1d9c52-0c0a-4a39-9f5e-1f1b3c9d7a10")


class TriggerResult(StrEnum):
    """The result of a trigger as a whole."""

    OK = "OK"
    TRIGGER_NOTFOUND = "TRIGGER_NOTFOUND"
    CONTACT_NOTFOUND = "CONTACT_NOTFOUND"
    NOT_TRIGGERED = "NOT_TRIGGERED"


class StartResult(StrEnum):
    """The result of a trigger for one automation."""

    OK = "OK"
    AUTOMATION_INACTIVE = "AUTOMATION_INACTIVE"
    PARTICIPATION_LIMIT_REACHED = "PARTICIPATION_LIMIT_REACHED"


@dataclass(frozen=True, slots=True)
class AutomationField:
    """A personalisation field of the automation's messages; `type` is STRING, PRODUCTLIST or URL."""

    name: str
    type: str = "STRING"


@dataclass(frozen=True, slots=True)
class AutomationMessage:
    """A message of an automation. The service lists it nowhere: only feeds name it."""

    encrypted_id: str
    name: str
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Automation:
    """An automation with one external trigger. `limit` is how often one contact may take part; None: always.

    `message` is what a run sends first.
    """

    id: UUID
    name: str
    trigger_code: UUID
    active: bool = True
    limit: int | None = None
    fields: tuple[AutomationField, ...] = ()
    message: AutomationMessage | None = None

    def document(self) -> dict[str, Any]:
        """Return the JSON of the proposed list."""
        trigger = {
            "triggerCode": str(self.trigger_code),
            "name": f"Start {self.name}",
            "fields": [{"name": field.name, "type": field.type} for field in self.fields],
        }
        return {"id": str(self.id), "name": self.name, "active": self.active, "triggers": [trigger]}


@dataclass(slots=True, eq=False)
class AutomationRun:
    """A run of one automation for one contact; its id is the `automationContactId`."""

    id: UUID
    automation: Automation
    contact: Contact
    fields: Sequence[dict[str, Any]]
    stopped: bool = False


DEFAULT_AUTOMATIONS = (
    Automation(
        UUID("3f0d9f3a-7a54-4e0e-9d39-0d4b4e2f2f10"),
        "Welcome",
        UUID("bc0a5d1e-3c52-4f0b-8f6c-5a0e2a4c9b01"),
        fields=(AutomationField("voucher"), AutomationField("link", "URL"), AutomationField("cart", "PRODUCTLIST")),
        message=AutomationMessage("AmlWelcome", "Welcome to our shop", "Welcome"),
    ),
    Automation(
        UUID("8a6f5d0e-2c1b-4d3e-8f77-5b1f6a1c9d22"),
        "Birthday",
        UUID("d27b1c60-94a1-4c8e-a2f5-7e9b0d3c5f02"),
        limit=1,
    ),
    Automation(
        UUID("51c7e2b4-6d0f-4b1a-9e38-2f4a8c6d7e33"),
        "Old winback",
        UUID("0e94f7a3-1b6d-4d25-8c70-9f3e5a2b8d03"),
        active=False,
    ),
)


class AutomationStore:
    """Starts and stops automations for contacts."""

    def __init__(self, automations: tuple[Automation, ...]) -> None:
        self.automations = automations
        self.runs: dict[UUID, AutomationRun] = {}

    def triggered_by(self, code: UUID) -> list[Automation]:
        """Return the automations that listen to a trigger."""
        return [automation for automation in self.automations if automation.trigger_code == code]

    def find(self, identifier: UUID) -> Automation | None:
        """Look up an automation."""
        return next((automation for automation in self.automations if automation.id == identifier), None)

    def start(
        self, automation: Automation, contact: Contact, fields: Sequence[dict[str, Any]]
    ) -> tuple[StartResult, AutomationRun | None]:
        """Start a run for a contact, unless the automation is off or the contact has reached its limit."""
        if not automation.active:
            return StartResult.AUTOMATION_INACTIVE, None
        taken = len(self.runs_of(automation, contact))
        if automation.limit is not None and taken >= automation.limit:
            return StartResult.PARTICIPATION_LIMIT_REACHED, None
        run = AutomationRun(uuid5(_NAMESPACE, str(len(self.runs))), automation, contact, fields)
        self.runs[run.id] = run
        return StartResult.OK, run

    def runs_of(self, automation: Automation, contact: Contact) -> list[AutomationRun]:
        """Return a contact's runs, stopped ones included."""
        return [run for run in self.runs.values() if run.automation is automation and run.contact is contact]
