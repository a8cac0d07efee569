"""Answers of Mail+ are read tolerantly: dates of both families, both list shapes, unknown keys and enum values."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from pydantic import TypeAdapter

from shared.adapters.spotler.rest.models import (
    BounceAnswer,
    BulkResult,
    ContactAnswer,
    ListAnswer,
    PropertyAnswer,
    read_date,
)
from shared.domain.records.marketing_contact import PropertyType, SetEntry, SetOption

CONTACTS = TypeAdapter(ListAnswer[ContactAnswer])
BOUNCES = TypeAdapter(ListAnswer[BounceAnswer])
MORNING = datetime(2024, 3, 1, 9, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    "raw",
    [
        1709284500000,
        1709284500,
        1709284500.0,
        "2024-03-01T10:15:00+01:00",
        "2024-03-01T09:15:00Z",
        "2024-03-01T10:15:00",
    ],
)
def test_a_date_is_read_by_its_magnitude_or_as_iso_text_and_dutch_without_a_zone(raw: object) -> None:
    assert read_date(raw) == MORNING


@pytest.mark.parametrize("raw", [None, "", "yesterday", True, {}, 10**30, float("nan")])
def test_a_malformed_date_is_none_and_the_rest_is_read(raw: object) -> None:
    assert read_date(raw) is None


def test_a_contact_is_read_with_its_sets_and_channels() -> None:
    contact = ContactAnswer.model_validate_json(
        """{"externalId": "CRM-1001", "created": 1704103200000, "encryptedId": "BNFx", "testGroup": false,
            "lastChanged": 1709284500000, "temporary": false, "favourite": "unknown key",
            "properties": {"email": "j@example.com", "freeField1": 42, "vip": true, "rate": 1.5, "odd": {"a": 1},
                           "permissions": [{"bit": 1, "description": "News", "enabled": true},
                                           {"bit": "2", "enabled": "false"}],
                           "none": [], "strange": ["x"]},
            "channels": [{"name": "EMAIL", "value": true}, {"name": "PIGEON", "value": false}]}"""
    ).contact()
    assert contact.external_id == "CRM-1001"
    assert contact.encrypted_id == "BNFx"
    assert contact.last_changed == MORNING
    assert contact.channels == {"EMAIL": True, "PIGEON": False}
    assert contact.properties == {
        "email": "j@example.com",
        "freeField1": 42,
        "vip": True,
        "rate": 1.5,
        "odd": None,
        "permissions": (SetOption(1, enabled=True), SetOption(2, enabled=False)),
        "none": (),
        "strange": None,
    }


@pytest.mark.parametrize(
    "text", ['{"encryptedId": "B"}', '{"encryptedId": "B", "externalId": null, "properties": null}']
)
def test_a_contact_made_by_a_form_has_no_external_id(text: str) -> None:
    contact = ContactAnswer.model_validate_json(text).contact()
    assert (contact.external_id, contact.encrypted_id, contact.properties) == ("", "B", {})


@pytest.mark.parametrize(
    "text",
    [
        '[{"externalId": "1"}, {"externalId": "2"}]',
        '{"paging": {"next": "/x?after=2", "after": 2}, "contacts": [{"externalId": "1"}, {"externalId": "2"}]}',
        '{"contacts": [{"externalId": 1}, {"externalId": 2}], "paging": null}',
    ],
)
def test_a_list_is_read_in_both_shapes(text: str) -> None:
    assert [item.external_id for item in CONTACTS.validate_json(text).items] == ["1", "2"]


def test_an_empty_list_may_be_null_or_absent() -> None:
    assert CONTACTS.validate_json('{"contacts": null}').items == []
    assert CONTACTS.validate_json('{"paging": {"after": 0}}').items == []


def test_a_bounce_of_an_unknown_kind_keeps_its_name() -> None:
    raw = {"type": "SPACEBOUNCE", "date": 1709284500, "encryptedActId": "x8", "contact": {"externalId": "1"}}
    [bounce] = [item.bounce() for item in BOUNCES.validate_python({"bounces": [raw]}).items]
    assert (bounce.kind, bounce.date, bounce.mailing, bounce.contact.external_id) == ("SPACEBOUNCE", MORNING, "x8", "1")


def test_a_property_definition_is_read_with_its_entries() -> None:
    definition = PropertyAnswer.model_validate_json(
        """{"name": "permissions", "description": "Permissions", "type": "set",
            "entries": [{"bit": 4, "description": "Newsletter", "rank": 1}, {"bit": 8, "description": null}]}"""
    ).definition()
    assert definition.type is PropertyType.SET
    assert definition.entries == (SetEntry(4, "Newsletter", 1), SetEntry(8, "", 0))


def test_a_property_of_a_new_type_keeps_the_name_of_the_type() -> None:
    definition = PropertyAnswer.model_validate({"name": "colour", "description": "Colour", "type": "rgb"}).definition()
    assert (definition.type, definition.type_name) == (PropertyType.UNKNOWN, "rgb")


def test_a_bulk_result_may_lack_its_message() -> None:
    assert BulkResult.model_validate({"externalId": "1", "code": "OK"}).message == ""
