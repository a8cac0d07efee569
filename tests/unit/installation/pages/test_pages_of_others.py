"""What people changed in Dynamics, and forms of others: named, set right, or left as they are."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from shared.errors import ConfigurationError
from shared.installation import plan
from shared.installation.components.pages.table import page_kinds
from shared.installation.originals import FormFiles
from shared.installation.pages.xml import canonical, parse
from tests.customisation import CUSTOMISATION, existing_form
from tests.unit.installation.pages.page_runs import FORMS, SALES_FORMS, Pages


async def test_removing_gives_every_form_of_others_back_and_a_later_run_installs_again(tmp_path: Path) -> None:
    installer = Pages(tmp_path)
    await installer.run()
    seen = installer.web.state()

    await installer.remove()

    for name, sample in {**FORMS, **SALES_FORMS}.items():
        if sample:
            assert canonical(parse(installer.form(name), name)) == canonical(parse(existing_form(sample), name))
    for entity_set in ("savedqueries", "appactions", "appmodules", "sitemaps"):
        assert installer.web.published[entity_set] == {}
    await installer.run()
    assert installer.web.state() == seen


async def test_the_original_of_a_form_is_kept_before_its_first_change_only(tmp_path: Path) -> None:
    installer = Pages(tmp_path)
    await installer.run()
    form = installer.web.saved["systemforms"][installer.key("contact:Contact")]
    form["formxml"] = form["formxml"].replace('description="Engagement"', 'description="By hand"')

    assert await installer.reasons() == ["the tab of the form contact:Contact is missing or differs"]
    await installer.run()

    kept = (tmp_path / f"contact-{installer.key('contact:Contact')}.xml").read_text(encoding="utf-8")
    assert kept == existing_form("contact_vendor_tab")


async def test_what_somebody_changed_by_hand_is_named_and_set_right(tmp_path: Path) -> None:
    installer = Pages(tmp_path)
    await installer.run()
    view = next(one for one in CUSTOMISATION.views if one.key == "contact/failed")
    installer.web.saved["savedqueries"][str(view.id)]["name"] = "Mine"

    assert await installer.reasons() == ["the view contact/failed differs in name (1033)"]
    assert await installer.run() == 2  # the row, and its publication


async def test_a_text_in_one_language_that_somebody_changed_is_named_and_set_right_and_other_languages_stay(
    tmp_path: Path,
) -> None:
    installer = Pages(tmp_path)
    await installer.run()
    command = next(key for key, row in installer.web.saved["appactions"].items() if "list" in row["uniquename"])
    for state in (installer.web.saved, installer.web.published):
        texts = state["appactions"][command]["@texts"]
        state["appactions"][command] |= {
            "@texts": texts | {"buttontooltiptitle": {1043: "Eigen tekst", 1031: "Eigener Text"}}
        }

    (reason,) = await installer.reasons()
    assert reason.endswith("differs in buttontooltiptitle (1043)")
    assert await installer.run() == 2

    texts = installer.web.published["appactions"][command]["@texts"]["buttontooltiptitle"]
    assert texts == {1043: "Synchroniseren naar Spotler", 1031: "Eigener Text"}


async def test_an_unpublished_edit_of_somebody_else_is_kept(tmp_path: Path) -> None:
    installer = Pages(tmp_path)
    form = installer.web.saved["systemforms"][installer.key("account:Account")]
    form["formxml"] = form["formxml"].replace('description="General"', 'description="Edited"')

    await installer.run()

    assert 'description="Edited"' in installer.form("account:Account")


async def test_a_form_that_changes_between_survey_and_writing_loses_nothing(tmp_path: Path) -> None:
    installer = Pages(tmp_path)
    surveys, found = await installer.survey()
    form = installer.web.saved["systemforms"][installer.key("account:Account")]
    form |= {"formxml": form["formxml"].replace('"General"', '"Edited"'), "@odata.etag": 'W/"7"'}

    await installer.apply(plan.installation(surveys, found), found)

    assert 'description="Edited"' in installer.form("account:Account")


async def test_a_form_that_the_customer_does_not_use_can_be_left_out(tmp_path: Path) -> None:
    installer = Pages(tmp_path, left_out=frozenset({"contact:Vendor's Contact"}))

    await installer.run()

    assert installer.form("contact:Vendor's Contact") == existing_form("contact_no_events")


async def test_a_managed_form_that_nobody_may_change_gets_no_tab(tmp_path: Path) -> None:
    installer = Pages(tmp_path)

    await installer.run()

    assert installer.form("account:Interactive") == existing_form("account_two_columns")


async def test_a_tab_of_a_form_that_is_left_out_later_is_removed_with_the_others(tmp_path: Path) -> None:
    installer = Pages(tmp_path)
    await installer.run()
    installer.kinds = page_kinds(CUSTOMISATION, FormFiles(tmp_path).keep, frozenset({"contact:Contact"}))

    await installer.remove()

    assert 'name="dh_spotler"' not in installer.form("contact:Contact")


@pytest.mark.parametrize(
    ("table", "reason"),
    [("dh_spotlerjob", "missing"), ("dh_spotlerinfo", "the form dh_spotlerinfo/main does not exist")],
)
async def test_the_main_form_of_an_own_table_that_somebody_deleted_is_named_and_made_anew(
    tmp_path: Path, table: str, reason: str
) -> None:
    installer = Pages(tmp_path)
    await installer.run()
    form = installer.form(f"{table}:Information")
    for state in (installer.web.saved, installer.web.published):
        del state["systemforms"][installer.key(f"{table}:Information")]

    assert await installer.reasons() == [reason]
    assert await installer.run() == 3  # the row, its name in Dutch, and its publication

    (anew,) = [row for row in installer.web.published["systemforms"].values() if _main_of(row, table)]
    assert canonical(parse(anew["formxml"], "anew")) == canonical(parse(form, "before"))
    assert await installer.reasons() == []
    await installer.remove()
    assert [row for row in installer.web.published["systemforms"].values() if _main_of(row, table)]


def _main_of(row: Mapping[str, Any], table: str) -> bool:
    return (row["objecttypecode"], row["type"]) == (table, 2)


async def test_a_main_form_that_somebody_adds_to_an_own_table_stays(tmp_path: Path) -> None:
    installer = Pages(tmp_path)
    await installer.run()
    forms = installer.web.saved["systemforms"]
    added = forms[installer.key("dh_spotlerjob:Information")] | {"name": "Mine"}
    for state in (installer.web.saved, installer.web.published):
        state["systemforms"] = {"3f0c": added, **state["systemforms"]}

    assert await installer.reasons() == []
    forms = installer.web.saved["systemforms"]
    forms[installer.key("dh_spotlerjob:Information")]["name"] = "Renamed"

    with pytest.raises(ConfigurationError, match="several main forms, and none is called Spotler Job"):
        await installer.reasons()
