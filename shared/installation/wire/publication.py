"""What is to be published: users see a written form, view or script only after PublishXml.

Publishing takes tens of seconds and locks the organisation. So a step returns what it leaves to be published, and the
installer publishes that for many steps at once. Source: `ParameterXml.xsd`, and for apps Microsoft's page "Create and
manage model-driven apps using code".
"""

from collections.abc import Iterable
from enum import Enum
from typing import NamedTuple
from uuid import UUID
from xml.sax.saxutils import escape

from shared.installation.wire.customization_client import CustomizationClient


class Published(Enum):
    """What PublishXml names: the element of a group, and of one component."""

    TABLE = ("entities", "entity")
    DASHBOARD = ("dashboards", "dashboard")
    WEB_RESOURCE = ("webresources", "webresource")
    SITE_MAP = ("sitemaps", "sitemap")
    APP = ("appmodules", "appmodule")


class ToPublish(NamedTuple):
    """One component: a table by logical name (its forms, views, charts and commands), any other by id."""

    what: Published
    name: str


Publication = frozenset[ToPublish]
"""What one or more steps leave to be published."""


def of_table(table: str) -> Publication:
    """Return what publishes the forms, views, charts and commands of a table."""
    return frozenset({ToPublish(Published.TABLE, table)})


def of_row(what: Published, identifier: UUID) -> Publication:
    """Return what publishes a dashboard, web resource, site map or app."""
    return frozenset({ToPublish(what, str(identifier))})


async def publish(client: CustomizationClient, publication: Iterable[ToPublish]) -> None:
    """Publish everything in one request, if there is anything. Raises the errors of the client."""
    if text := parameter_xml(publication):
        await client.outside_the_solution().act("PublishXml", {"ParameterXml": text})


def parameter_xml(publication: Iterable[ToPublish]) -> str:
    """Return the parameter of PublishXml, groups in the order of `Published`; empty for nothing."""
    named = sorted(publication, key=lambda one: one.name)
    groups = []
    for what in Published:
        group, element = what.value
        items = "".join(f"<{element}>{escape(one.name)}</{element}>" for one in named if one.what is what)
        if items:
            groups.append(f"<{group}>{items}</{group}>")
    return f"<importexportxml>{''.join(groups)}</importexportxml>" if groups else ""
