"""Automations and campaigns."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from shared.local.spotler_sandbox.account.automations import StartResult, TriggerResult
from shared.local.spotler_sandbox.account.campaigns import Campaign, CampaignStateError
from shared.local.spotler_sandbox.http.operation import Body, Call, Operation
from shared.local.spotler_sandbox.http.wire import ApiError, ErrorType, Reply


class MessageField(Body):
    """A personalisation field: `value` for STRING and URL, `values` (product ids) for PRODUCTLIST."""

    name: str = Field(min_length=1)
    type: Literal["STRING", "PRODUCTLIST", "URL"] = "STRING"
    value: str | None = None
    values: list[str] | None = None


class Who(Body):
    """The contact of the call."""

    external_contact_id: str = Field(min_length=1)


class AutomationStart(Who):
    """The body of an automation trigger; the fields are a proposal."""

    automation_fields: list[MessageField] = Field(default_factory=list)


class CampaignStart(Who):
    """The body of a campaign trigger."""

    campaign_fields: list[MessageField] = Field(default_factory=list)


def automations(call: Call) -> Reply:
    """List all automations with their triggers and fields (proposed)."""
    return Reply(200, [entry.document() for entry in call.account.automations.automations], root="automations")


def trigger_automation(call: Call) -> Reply:
    """Start the automations of a trigger: 200 if one started, 417 if none did, 404 if trigger or contact is unknown."""
    body = call.body(AutomationStart)
    registry = call.account.automations
    code = _uuid(call.path["triggerCode"])
    found = registry.triggered_by(code) if code else []
    if not found:
        return _result(404, TriggerResult.TRIGGER_NOTFOUND, [])
    contact = call.account.contacts.find(body.external_contact_id)
    if contact is None:
        return _result(404, TriggerResult.CONTACT_NOTFOUND, [])
    fields = [field.model_dump(mode="json", by_alias=True, exclude_none=True) for field in body.automation_fields]
    results: list[dict[str, Any]] = []
    for automation in found:
        outcome, run = registry.start(automation, contact, fields)
        if run is not None:
            call.account.mailings.send_automation(run)
        identity = {"automationContactId": str(run.id)} if run else {}
        results.append({"automationId": str(automation.id), "result": str(outcome), **identity})
    if any(result["result"] == StartResult.OK for result in results):
        return _result(200, TriggerResult.OK, results)
    return _result(417, TriggerResult.NOT_TRIGGERED, results)


def stop_automation(call: Call) -> Reply:
    """Stop all of a contact's runs of one automation (proposed)."""
    registry = call.account.automations
    identifier = _uuid(call.path["automationId"])
    automation = registry.find(identifier) if identifier else None
    if automation is None:
        raise ApiError(404, ErrorType.RESOURCE_NOT_FOUND, "automation not found")
    runs = registry.runs_of(automation, call.contact_in_body(call.body(Who).external_contact_id))
    running = [run for run in runs if not run.stopped]
    if not running:
        raise ApiError(400, ErrorType.INVALID_STATE, "automation does not run for this contact")
    for run in running:
        run.stopped = True
    return Reply()


def stop_run(call: Call) -> Reply:
    """Stop one run; a second time is no error (proposed)."""
    identifier = _uuid(call.path["automationContactId"])
    run = call.account.automations.runs.get(identifier) if identifier else None
    if run is None:
        raise ApiError(404, ErrorType.RESOURCE_NOT_FOUND, "automation contact not found")
    run.stopped = True
    return Reply()


def campaigns(call: Call) -> Reply:
    """List all campaigns with their external triggers."""
    return Reply(200, [entry.document() for entry in call.account.campaigns.campaigns.values()], root="campaigns")


def trigger_campaign(call: Call) -> Reply:
    """Start the campaign of a trigger for a contact."""
    campaign = call.account.campaigns.triggered_by(call.path["triggerId"])
    if campaign is None:
        raise ApiError(404, ErrorType.TRIGGER_NOTFOUND, "trigger not found")
    body = call.body(CampaignStart)
    contact = call.contact_in_body(body.external_contact_id)
    lists = [field.values or [] for field in body.campaign_fields if field.type == "PRODUCTLIST"]
    call.account.shop.check_products(product for products in lists for product in products)
    fields = [field.model_dump(mode="json", by_alias=True, exclude_none=True) for field in body.campaign_fields]
    try:
        subscription = call.account.campaigns.start(campaign, contact, fields)
    except CampaignStateError as error:
        raise ApiError(400, ErrorType.INVALID_STATE, str(error)) from error
    call.account.mailings.send_campaign(subscription)
    return Reply()


def stop_campaign(call: Call) -> Reply:
    """End the run of a contact in a campaign."""
    campaign = _campaign(call)
    contact = call.contact_in_body(call.body(Who).external_contact_id)
    try:
        call.account.campaigns.stop(campaign, contact)
    except CampaignStateError as error:
        raise ApiError(400, ErrorType.INVALID_STATE, str(error)) from error
    return Reply()


def campaign_mailings(call: Call) -> Reply:
    """List the messages of a campaign."""
    return Reply(200, [mailing.document() for mailing in _campaign(call).mailings], root="mailings")


def _campaign(call: Call) -> Campaign:
    campaign = call.account.campaigns.campaigns.get(call.path["campaignId"])
    if campaign is None:
        raise ApiError(404, ErrorType.CAMPAIGN_NOTFOUND, "campaign not found")
    return campaign


def _result(status: int, result: TriggerResult, results: list[dict[str, Any]]) -> Reply:
    body = {"result": str(result), "automationResults": results}
    return Reply(status, body, root="externalTriggerValidationResult")


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


OPERATIONS = (
    Operation("automation.list", "GET", "/automation/list", automations),
    Operation("automation.trigger", "POST", "/automation/trigger/{triggerCode}", trigger_automation, AutomationStart),
    Operation("automation.stop-run", "POST", "/automation/stop/{automationContactId}", stop_run),
    Operation("automation.stop", "POST", "/automation/{automationId}/stop", stop_automation, Who),
    Operation("campaign.list", "GET", "/campaign/list", campaigns),
    Operation("campaign.trigger", "POST", "/campaign/trigger/{triggerId}", trigger_campaign, CampaignStart),
    Operation("campaign.stop", "POST", "/campaign/{campaignId}/stop", stop_campaign, Who),
    Operation("campaign.mailings", "GET", "/campaign/{campaignId}/mailing", campaign_mailings),
)
