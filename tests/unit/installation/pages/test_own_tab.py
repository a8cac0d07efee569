"""The own tab on forms of others (UI-04): nothing else changes, a second run changes nothing, removing restores."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from shared.errors import ConfigurationError
from shared.installation.desired.texts import Texts
from shared.installation.pages.forms.merging import merge_tab, remove_tab
from shared.installation.pages.forms.specification import OwnTab
from shared.installation.pages.ids import stable_id
from shared.installation.pages.xml import Element, canonical, parse
from tests.customisation import EXISTING, FORM, ON_LOAD, TABS, around, existing_form, merged, table_of

SCRIPTED = replace(TABS["contact"], tables=("contact", "account", "lead", "list"), handlers=(ON_LOAD,))
OTHER_FORM = stable_id("another form")


def tree(formxml: str) -> Element:
    return parse(formxml, "the form")


def tab_names(formxml: str) -> list[str]:
    return [tab.get("name", "") for tab in tree(formxml).iterfind("tabs/tab")]


@pytest.mark.parametrize("name", EXISTING)
def test_the_own_tab_comes_last_and_a_second_run_returns_the_text_itself(name: str) -> None:
    before = existing_form(name)

    once = merged(before, table_of(name))

    assert tab_names(once) == [*tab_names(before), "dh_spotler"]
    assert merged(once, table_of(name)) is once


@pytest.mark.parametrize("name", EXISTING)
def test_outside_the_own_tab_every_character_stays(name: str) -> None:
    before = existing_form(name)
    once = tree(merged(before, table_of(name)))
    (own,) = once.xpath("tabs/tab[@name='dh_spotler']")
    own.getparent().remove(own)

    assert etree.tostring(once) == etree.tostring(tree(before))


@pytest.mark.parametrize("name", EXISTING)
def test_removing_restores_the_form_of_before_with_handlers_or_without(name: str) -> None:
    before = existing_form(name)
    for tab in (TABS[table_of(name)], replace(SCRIPTED, columns=TABS[table_of(name)].columns)):
        once = merged(before, table_of(name), tab)

        assert canonical(tree(remove_tab(once, FORM, "contact"))) == canonical(tree(before))


@pytest.mark.parametrize("name", EXISTING)
def test_a_form_without_the_own_tab_is_left_as_it_is(name: str) -> None:
    before = existing_form(name)

    assert remove_tab(before, FORM, "contact") is before


def test_a_handler_joins_those_of_others_once() -> None:
    once = merged(existing_form("contact_vendor_tab"), "contact", SCRIPTED)
    twice = tree(merged(once, "contact", SCRIPTED))

    functions = [one.get("functionName") for one in twice.iterfind("events/event[@name='onload']/Handlers/Handler")]
    assert functions == ["Acme.onLoad", "SpotlerJob.onLoad"]
    assert [one.get("name") for one in twice.iterfind("formLibraries/Library")] == ["acme_loyalty.js", ON_LOAD.library]


def test_handlers_of_an_older_version_go_and_those_of_others_stay() -> None:
    older = merged(existing_form("list_with_libraries"), "contact", SCRIPTED)

    now = tree(merged(older, "contact"))

    libraries = [one.get("name") for one in now.iterfind("formLibraries/Library")]
    assert libraries == ["Main_system_library.js", "Sales/List/List_main.js"]
    assert "SpotlerJob" not in etree.tostring(now, encoding="unicode")


def test_a_form_never_has_an_empty_list_of_libraries_or_events() -> None:
    scripted = merged(existing_form("contact_no_events"), "contact", SCRIPTED)

    for formxml in (merged(scripted, "contact"), remove_tab(scripted, FORM, "contact")):
        assert tree(formxml).find("formLibraries") is None
        assert tree(formxml).find("events") is None


def test_a_tab_that_somebody_moved_stays_there_and_gets_its_content_back() -> None:
    once = tree(merged(existing_form("contact_vendor_tab"), "contact"))
    (own,) = once.xpath("tabs/tab[@name='dh_spotler']")
    own.getparent().insert(0, own)
    own.find("columns/column/sections/section").set("name", "renamed by hand")
    moved = etree.tostring(once, encoding="unicode")

    again = merged(moved, "contact")

    assert tab_names(again) == ["dh_spotler", "SUMMARY_TAB", "acme_loyalty"]
    assert "renamed by hand" not in again


def test_ids_differ_between_forms_and_are_unique_within_one() -> None:
    first = tree(merged(existing_form("contact_no_events"), "contact"))
    second = tree(merge_tab(existing_form("contact_no_events"), TABS["contact"], OTHER_FORM, "contact", around()))

    def ids(root: Element) -> list[str]:
        return [one.get("id", "") for one in root.xpath(".//tab[@name='dh_spotler']/descendant-or-self::*[@id]")]

    assert len(set(ids(first))) == len(ids(first))
    braced = {one for one in ids(first) if one.startswith("{")}
    assert not braced & set(ids(second))


@pytest.mark.parametrize(
    ("formxml", "told"),
    [
        ("<form><tabs>", "cannot be read"),
        ("<form />", "has no tabs"),
        ("<form><tabs>" + "<tab/>" * 100 + "</tabs></form>", "100 tabs"),
    ],
)
def test_a_form_that_cannot_take_the_tab_is_named_with_what_to_do(formxml: str, told: str) -> None:
    with pytest.raises(ConfigurationError, match=told) as raised:
        merged(formxml, "contact")

    assert str(FORM) in str(raised.value)


words = st.text(st.sampled_from('ab<&" é'), max_size=6)
names = st.sampled_from(["general", "acme_tab", "dh_other", "x"])
controls = st.builds('<control id="{}" datafieldname="{}"/>'.format, names, names)
tabs = st.builds(
    '<tab name="{}" other="1">{}<columns><column width="100%">{}</column></columns></tab>{}'.format,
    names,
    st.sampled_from(["", "<!-- note -->", "<labels/>"]),
    controls,
    st.sampled_from(["", "\n  "]),
)
library = st.sampled_from(["acme.js", "Main_system_library.js"])
handlers = st.builds('<Handler functionName="F" libraryName="{}" handlerUniqueId="1"/>'.format, library)
events = st.builds(
    '<event name="{}" active="true"><{kind}>{}</{kind}></event>'.replace("{kind}", "Handlers").format,
    st.sampled_from(["onload", "onsave"]),
    st.lists(handlers, min_size=1, max_size=2).map("".join),
)
parts = st.one_of(
    st.lists(events, min_size=1, max_size=2, unique=True).map(lambda some: f"<events>{''.join(some)}</events>"),
    st.lists(library, min_size=1, unique=True).map(
        lambda some: (
            "<formLibraries>"
            + "".join(f'<Library name="{one}" libraryUniqueId="1"/>' for one in some)
            + "</formLibraries>"
        )
    ),
    st.just("<Navigation><NavBar/></Navigation>"),
    words.map(lambda text: f"<vendor>{text.replace('&', '&amp;').replace('<', '&lt;')}</vendor>"),
)
forms = st.builds(
    lambda before, some, after: (
        f'<form b="1" a="2">{"".join(before)}<tabs>{"".join(some)}</tabs>{"".join(after)}</form>'
    ),
    st.lists(parts, max_size=1),
    st.lists(tabs, min_size=1, max_size=3),
    st.lists(parts, max_size=2),
).filter(lambda text: text.count("<events>") < 2 and text.count("<formLibraries>") < 2)
specifications = st.builds(
    lambda text, scripted: replace(
        SCRIPTED if scripted else TABS["contact"], label=Texts(en=text or "Marketing", nl="Marketing")
    ),
    words,
    st.booleans(),
)


@given(forms, specifications)
def test_merging_twice_is_merging_once_and_removing_gives_the_form_back(formxml: str, tab: OwnTab) -> None:
    once = merged(formxml, "contact", tab)

    assert merged(once, "contact", tab) is once
    assert canonical(tree(remove_tab(once, FORM, "contact"))) == canonical(tree(formxml))
    assert remove_tab(remove_tab(once, FORM, "contact"), FORM, "contact") == remove_tab(once, FORM, "contact")
