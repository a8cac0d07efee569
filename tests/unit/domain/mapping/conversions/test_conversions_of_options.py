"""Options that were deleted from a column have no label."""

from __future__ import annotations

import pytest

from shared.adapters.dataverse.records.columns import ColumnReader
from shared.adapters.dataverse.web_api.operations import Annotation
from shared.domain.mapping.conversions import (
    ColumnKind,
)
from shared.domain.records.records import Choices, UnknownOption
from tests.unit.domain.mapping.conversions.kinds import COLUMNS


@pytest.mark.parametrize("kind", [ColumnKind.CHOICE, ColumnKind.STATE, ColumnKind.STATUS])
def test_an_option_that_was_deleted_is_no_number(kind: ColumnKind) -> None:
    shown = f"c@{Annotation.LABEL}"
    reader = ColumnReader(COLUMNS[kind], 1043)
    for row in ({"c": 3}, {"c": 3, shown: "3"}):
        assert isinstance(reader.value(row), UnknownOption)
        assert reader.label(row) is None
    new = {"c": 3, shown: "Anders"}  # made after the metadata were read
    assert (reader.value(new), reader.label(new)) == (3, "Anders")
    assert not isinstance(reader.value(new), UnknownOption)
    assert (reader.value({"c": 2}), reader.label({"c": 2})) == (2, "Vrouw")


def test_of_several_options_those_that_were_deleted_have_no_label() -> None:
    shown = f"c@{Annotation.LABEL}"
    reader = ColumnReader(COLUMNS[ColumnKind.CHOICES], 1043)
    assert reader.value({"c": "1,3"}) == Choices((1, 3), ("Man", ""))
    assert reader.value({"c": "1,3", shown: "Male; 3"}) == Choices((1, 3), ("Man", ""))
    assert reader.value({"c": "1,3", shown: "Male; Other"}) == Choices((1, 3), ("Man", "Other"))
