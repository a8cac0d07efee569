"""Unread parts of a request are named, at any depth."""

from __future__ import annotations

import pytest

from shared.local.dataverse_sandbox.organisation.errors import WebApiError
from shared.local.dataverse_sandbox.queries.fetch_document import read
from shared.local.dataverse_sandbox.requests.consumption import Parts
from tests.installed import installed_schema

SCHEMA = installed_schema()


def test_a_part_is_unread_until_its_value_is_taken() -> None:
    parts = Parts({"a": 1, "b": None}, "query option")
    assert "a" in parts
    assert list(parts) == ["a", "b"]
    assert len(parts) == 2
    assert list(parts.unread()) == ["query option 'a'", "query option 'b'"]
    assert parts.get("b", 7) is None
    assert parts.get("c", 7) == 7
    assert list(parts.unread()) == ["query option 'a'"]
    with pytest.raises(WebApiError, match="The query option 'a' in this request is not part of this simulation"):
        parts.refuse_unread()


def test_to_read_an_object_is_not_to_read_what_is_in_it() -> None:
    parts = Parts({"one": {"in": 1, "other": 2}, "many": [{"in": 3}, 4]}, "property")
    assert parts["one"]["in"] == 1
    assert [name for one in parts["many"][:1] for name in one] == ["in"]
    assert list(parts.unread()) == ["property 'one', property 'other'", "property 'many', property 'in'"]
    assert [dict(one) for one in parts["many"][:1]] == [{"in": 3}]
    assert dict(parts["one"]) == {"in": 1, "other": 2}
    assert list(parts.unread()) == []


ATTRIBUTES = {
    "fetch": ("datasource", "utc-offset", "min-active-row-version"),
    "entity": ("enableprefiltering",),
    "attribute": ("rowaggregate", "usertimezone"),
    "order": ("sort",),
    "filter": ("isquickfindfields",),
    "condition": ("aggregate", "alias"),
    "value": ("kind",),
    "link-entity": ("enableprefiltering",),
}


@pytest.mark.parametrize(("tag", "name"), [(tag, name) for tag, names in ATTRIBUTES.items() for name in names])
def test_every_attribute_of_fetchxml_is_read_or_refused(tag: str, name: str) -> None:
    xml = """<fetch><entity name='contact'><attribute name='fullname'/><order attribute='fullname'/>
      <filter><condition attribute='fullname' operator='in'><value>a</value></condition></filter>
      <link-entity name='account' from='accountid' to='parentcustomerid'/></entity></fetch>"""
    read(xml, SCHEMA.tables["contact"], SCHEMA)
    with pytest.raises(WebApiError, match=f"'{name}'") as refused:
        read(xml.replace(f"<{tag}", f"<{tag} {name}='x'", 1), SCHEMA.tables["contact"], SCHEMA)
    assert refused.value.status == 501


@pytest.mark.parametrize("parent", ["fetch", "entity", "filter", "condition", "link-entity"])
def test_every_element_of_fetchxml_is_read_or_refused(parent: str) -> None:
    xml = """<fetch><entity name='contact'><filter><condition attribute='fullname' operator='null'></condition></filter>
      <link-entity name='account' from='accountid' to='parentcustomerid'></link-entity></entity></fetch>"""
    with pytest.raises(WebApiError, match=f"'having' in '{parent}'") as refused:
        read(xml.replace(f"</{parent}>", f"<having/></{parent}>", 1), SCHEMA.tables["contact"], SCHEMA)
    assert refused.value.status == 501


def test_options_that_only_steer_the_database_are_accepted() -> None:
    xml = (
        "<fetch version='1.0' mapping='logical' no-lock='true' latematerialize='true'><entity name='contact'/></fetch>"
    )
    assert read(xml, SCHEMA.tables["contact"], SCHEMA).top is None
