"""Automations and campaigns of Mail+ (AUT): listing, starting, stopping.

The start of an automation and all calls of campaigns are published; for the other calls see `unpublished`.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter

from shared.adapters.spotler.automations import unpublished
from shared.adapters.spotler.automations.capabilities import Capabilities
from shared.adapters.spotler.rest.models import AutomationAnswer, AutomationTriggerAnswer, CampaignAnswer, TriggerAnswer
from shared.adapters.spotler.rest.paths import segment
from shared.adapters.spotler.rest.transport import CallRepetition, SpotlerCall, SpotlerTransport
from shared.domain.features.automations import (
    AutomationField,
    AutomationKind,
    FieldType,
    FieldValue,
    NotStarted,
    PublishedAutomation,
    Started,
    StartRefusal,
    StartResult,
    StopResult,
)
from shared.domain.features.capabilities import Capability
from shared.domain.wording.causes.spotler_causes import SpotlerCause
from shared.errors import DataError, NotFoundError, Service, UnknownOutcomeError, foreign_code

_AUTOMATIONS = TypeAdapter(list[AutomationAnswer])
_CAMPAIGNS = TypeAdapter(list[CampaignAnswer])
_TRIGGERED = TypeAdapter(TriggerAnswer)

_OK = "OK"
_CONTACT_UNKNOWN = "CONTACT_NOT_FOUND"
_INVALID_STATE = "INVALID_STATE"
_ANSWERING = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.EXPECTATION_FAILED})
"""Statuses other than 200 that come with an `ExternalTriggerValidationResult`."""


class SpotlerAutomations:
    """Implements the port `Automations`. The transport belongs to the client, which closes it."""

    def __init__(self, transport: SpotlerTransport, capabilities: Capabilities) -> None:
        self._transport = transport
        self._capabilities = capabilities

    async def published(self, kind: AutomationKind) -> Sequence[PublishedAutomation]:
        """Return the external triggers of active automations or campaigns (AUT-03, AUT-04)."""
        match kind:
            case AutomationKind.AUTOMATION:
                await self._capabilities.require(Capability.AUTOMATION_LIST)
                automations = await self._transport.fetch(unpublished.AUTOMATION_LIST.call(), _AUTOMATIONS)
                return _triggers(automations)
            case AutomationKind.CAMPAIGN:
                call = SpotlerCall("campaign.list", "GET", "/campaign/list", fixed_path=True)
                campaigns = await self._transport.fetch(call, _CAMPAIGNS)
                return [one for campaign in campaigns for one in _campaign_triggers(campaign)]

    async def start(
        self, kind: AutomationKind, code: str, external_id: str, fields: Sequence[FieldValue]
    ) -> StartResult:
        """Start for one contact; the call is sent once. UnknownOutcomeError if the answer was lost."""
        if not _is_code(kind, code):
            return NotStarted(StartRefusal.TRIGGER_UNKNOWN)
        match kind:
            case AutomationKind.AUTOMATION:
                return await self._trigger_automation(code, external_id, fields)
            case AutomationKind.CAMPAIGN:
                return await self._trigger_campaign(code, external_id, fields)

    async def stop(self, kind: AutomationKind, platform_id: str, external_id: str) -> StopResult:
        """Stop all runs of one contact (AUT-22)."""
        body = {"externalContactId": external_id}
        match kind:
            case AutomationKind.AUTOMATION:
                await self._capabilities.require(Capability.AUTOMATION_STOP)
                return await self._stop(unpublished.AUTOMATION_STOP.call(platform_id, body=body))
            case AutomationKind.CAMPAIGN:
                path = f"/campaign/{segment(platform_id)}/stop"
                return await self._stop(SpotlerCall("campaign.stop", "POST", path, body=body))

    async def stop_run(self, automation_contact_id: str) -> StopResult:
        """Stop one run (AUT-23)."""
        await self._capabilities.require(Capability.AUTOMATION_STOP)
        return await self._stop(unpublished.AUTOMATION_RUN_STOP.call(automation_contact_id))

    async def _trigger_automation(self, code: str, external_id: str, fields: Sequence[FieldValue]) -> StartResult:
        body: dict[str, Any] = {"externalContactId": external_id}
        if fields:
            await self._capabilities.require(Capability.AUTOMATION_FIELDS)
            body[unpublished.AUTOMATION_FIELDS_KEY] = [_field(field) for field in fields]
        path = f"/automation/trigger/{segment(code)}"
        call = SpotlerCall(
            "automation.start", "POST", path, body=body, answering=_ANSWERING, repetition=CallRepetition.HARMFUL
        )
        try:
            return _start_result(await self._transport.fetch(call, _TRIGGERED))
        except NotFoundError as error:
            return _not_found(error)

    async def _trigger_campaign(self, code: str, external_id: str, fields: Sequence[FieldValue]) -> StartResult:
        body: dict[str, Any] = {"externalContactId": external_id}
        if fields:
            body["campaignFields"] = [_field(field) for field in fields]
        path = f"/campaign/trigger/{segment(code)}"
        call = SpotlerCall("campaign.start", "POST", path, body=body, repetition=CallRepetition.HARMFUL)
        try:
            await self._transport.send(call)
        except NotFoundError as error:
            return _not_found(error)
        except DataError as error:
            if error.code != _INVALID_STATE:
                raise
            return NotStarted(StartRefusal.INVALID_STATE, error.detail)
        return Started()

    async def _stop(self, call: SpotlerCall) -> StopResult:
        try:
            await self._transport.send(call)
        except NotFoundError:
            return StopResult.UNKNOWN
        except DataError as error:
            if error.code != _INVALID_STATE:
                raise
            return StopResult.NOT_RUNNING
        return StopResult.STOPPED


def _triggers(automations: Sequence[AutomationAnswer]) -> list[PublishedAutomation]:
    active = [one for one in automations if one.active]
    labels = Counter(_label(automation, trigger) for automation in active for trigger in automation.triggers)
    return [
        PublishedAutomation(
            AutomationKind.AUTOMATION,
            automation.id,
            trigger.trigger_code,
            _shown(automation, trigger, is_unique=labels[_label(automation, trigger)] == 1),
            tuple(AutomationField(field.name, _field_type(field.type)) for field in trigger.fields),
        )
        for automation in active
        for trigger in automation.triggers
    ]


def _label(automation: AutomationAnswer, trigger: AutomationTriggerAnswer) -> str:
    """Return the name of the external trigger, or else of the automation, for Dynamics (AUT-02)."""
    return trigger.name.strip() or automation.name.strip()


def _shown(automation: AutomationAnswer, trigger: AutomationTriggerAnswer, *, is_unique: bool) -> str:
    label = _label(automation, trigger)
    return label if is_unique else f"{label} ({automation.name.strip()})"


def _campaign_triggers(campaign: CampaignAnswer) -> list[PublishedAutomation]:
    if not campaign.active:
        return []
    return [
        PublishedAutomation(
            AutomationKind.CAMPAIGN,
            campaign.encrypted_id,
            trigger.encrypted_id,
            _campaign_name(campaign.name, trigger.name, alone=len(campaign.triggers) == 1),
        )
        for trigger in campaign.triggers
    ]


def _campaign_name(campaign: str, trigger: str, *, alone: bool) -> str:
    """Return the campaign's name (AUT-04), with its trigger's name if there are several triggers."""
    return (campaign if alone else f"{campaign} ({trigger})").strip()


def _field_type(name: str) -> FieldType:
    return FieldType(name) if name in set(FieldType) else FieldType.STRING


def _field(field: FieldValue) -> Mapping[str, Any]:
    match field.type:
        case FieldType.PRODUCTLIST:
            return {"name": field.name, "type": field.type, "values": list(field.values)}
        case FieldType.STRING | FieldType.URL:
            return {"name": field.name, "type": field.type, "value": "".join(field.values)}


def _is_code(kind: AutomationKind, code: str) -> bool:
    """Return whether a code, which may be typed by hand (C-37), has the right form: for automations, a UUID."""
    if kind is AutomationKind.CAMPAIGN:
        return code not in {"", ".", ".."}
    try:
        UUID(code)
    except ValueError:
        return False
    return True


def _start_result(answer: TriggerAnswer) -> StartResult:
    results = answer.automation_results
    if answer.result == _OK or any(result.result == _OK for result in results):
        begun = (result.automation_contact_id for result in results if result.result == _OK)
        return Started(tuple(filter(None, begun)))
    reasons = sorted({result.result for result in results})
    if answer.result == StartRefusal.NOT_TRIGGERED and len(reasons) == 1 and reasons[0] in set(StartRefusal):
        return NotStarted(StartRefusal(reasons[0]))
    if answer.result in set(StartRefusal):
        return NotStarted(StartRefusal(answer.result), ", ".join(reasons))
    raise UnknownOutcomeError(
        SpotlerCause.STARTED_OR_NOT(),
        service=Service.SPOTLER,
        code=foreign_code(Service.SPOTLER, answer.result),
    )


def _not_found(error: NotFoundError) -> NotStarted:
    """Return what Spotler does not have: the contact if the code says so, else the trigger in the path."""
    unknown = StartRefusal.CONTACT_UNKNOWN if error.code == _CONTACT_UNKNOWN else StartRefusal.TRIGGER_UNKNOWN
    return NotStarted(unknown, error.detail)
