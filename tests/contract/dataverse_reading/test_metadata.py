"""The schema and the registered steps, as Dataverse describes them."""

from __future__ import annotations

from shared.adapters.dataverse.metadata.mapped_schema import read_steps
from shared.adapters.dataverse.metadata.metadata import read_schema
from shared.adapters.dataverse.metadata.schema_cache import SchemaCache
from shared.adapters.dataverse.records.columns import ColumnReader
from shared.domain.mapping.language.expression import Column, Related
from shared.domain.records.records import Choices
from shared.domain.records.table_schema import ColumnDefinition, ColumnType, DateBehaviour, Option
from tests.contract.dataverse_reading.organisation import Organisation, organisation_with


async def test_the_schema_tells_types_lengths_options_and_where_lookups_lead(organisation: Organisation) -> None:
    schema = await read_schema(organisation.client, ["contact", "nosuchtable"])
    contact = schema.tables["contact"]
    assert set(schema.tables) == {"contact"}
    assert (contact.entity_set, contact.primary_id, contact.primary_name) == ("contacts", "contactid", "fullname")
    assert contact.columns["emailaddress1"].max_length == 100
    assert contact.columns["birthdate"].behaviour is DateBehaviour.DATE_ONLY
    assert contact.columns["createdon"].behaviour is DateBehaviour.USER_LOCAL
    assert {option.value: option.label for option in contact.columns["gendercode"].options} == {1: "Male", 2: "Female"}
    assert [option.labels for option in contact.columns["donotemail"].options] == [
        {1033: "Allow"},
        {1033: "Do Not Allow"},
    ]
    assert contact.columns["parentcustomerid"].type is ColumnType.CUSTOMER
    assert contact.targets("parentcustomerid")["account"].navigation == "parentcustomerid_account"
    assert contact.targets("ownerid")["systemuser"].navigation == "owninguser"


async def test_the_tables_that_a_mapping_names_are_read_in_one_request(organisation: Organisation) -> None:
    schema, before = SchemaCache(organisation.client, clock=organisation.clock), len(organisation.sent)
    sources = [Column("emailaddress1"), Related("parentcustomerid", "account", "name")]

    found = await schema.named_by(sources, "contact")

    assert set(found.tables) == {"account", "contact"}
    assert organisation.sent[before:] == ["POST $batch"]


async def test_the_steps_of_our_endpoint_tell_which_columns_fire() -> None:
    async with organisation_with([], filtering_columns={"contact": ["firstname", "emailaddress1"]}) as opened:
        steps = await read_steps(opened.client)
    assert {step.message for step in steps if step.table == "contact"} == {"Create", "Update", "Delete", "Merge"}
    (update,) = [step for step in steps if (step.table, step.message) == ("contact", "Update")]
    assert update.columns == {"firstname", "emailaddress1"}


def test_choices_and_times_without_a_zone_are_read_as_what_they_mean() -> None:
    options = (Option(1, {1043: "Een"}, "One"), Option(2, {1043: "Twee"}, "Two"))
    choices = ColumnDefinition("dh_topics", ColumnType.MULTI_SELECT, options=options)
    moment = ColumnDefinition("dh_at", ColumnType.DATE_TIME, behaviour=DateBehaviour.TIME_ZONE_INDEPENDENT)
    assert ColumnReader(choices, 1043).value({"dh_topics": "1,2"}) == Choices((1, 2), ("Een", "Twee"))
    assert ColumnReader(choices).value({"dh_topics": "2"}) == Choices((2,), ("Two",))
    assert ColumnReader(moment).value({"dh_at": "2026-03-01T10:00:00Z"}) == "2026-03-01T10:00:00"
