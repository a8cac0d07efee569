"""Builds the site map of the app: what the navigation shows, and thereby which tables the app has."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from lxml import etree

from shared.installation.desired.texts import Texts
from shared.installation.pages.forms.specification import Need
from shared.installation.pages.hub.specification import Area, Page
from shared.installation.pages.languages import Languages
from shared.installation.pages.xml import Element, child, write


def build_site_map(areas: Iterable[Area], dashboard: UUID, languages: Languages, *, has_sales: bool) -> str:
    """Return the site map XML (SiteMap.xsd). Pages whose table the organisation lacks are left out."""
    root = etree.Element("SiteMap")
    for area in areas:
        holder = child(root, "Area", Id=area.id, ShowGroups="true")
        _titles(holder, area.title, languages)
        for group in area.groups:
            pages = [page for page in group.pages if has_sales or page.needs is not Need.SALES]
            if not pages:
                continue
            listed = child(holder, "Group", Id=group.id)
            _titles(listed, group.title, languages)
            for page in pages:
                _add_page(listed, page, dashboard, languages)
    return write(root)


def _add_page(group: Element, page: Page, dashboard: UUID, languages: Languages) -> None:
    if page.table is not None:
        entry = child(group, "SubArea", Id=page.id, Entity=page.table)
    elif page.web_page is not None:
        entry = child(group, "SubArea", Id=page.id, Url=f"$webresource:{page.web_page}", PassParams="false")
    else:
        address = "/workplace/home_dashboards.aspx"
        entry = child(group, "SubArea", Id=page.id, Url=address, DefaultDashboard=str(dashboard))
    _titles(entry, page.title, languages)


def _titles(parent: Element, label: Texts, languages: Languages) -> None:
    titles = child(parent, "Titles")
    for code, text in languages.texts(label):
        child(titles, "Title", LCID=str(code), Title=text)
