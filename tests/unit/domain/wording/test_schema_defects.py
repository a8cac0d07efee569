"""Defects that pydantic finds have templates with its own English texts: a new version of it may change them."""

from __future__ import annotations

from typing import Any

import pytest

from shared.domain.mapping.formats.document import MOST_ROWS, MappingError, read_mapping
from shared.domain.wording.defects import SchemaDefect

ROW = {"spotler": "email", "contact": "emailaddress1"}
DOCUMENTS: dict[SchemaDefect, dict[str, Any]] = {
    SchemaDefect.MISSING: {"rows": None},
    SchemaDefect.EXTRA_FORBIDDEN: {"colour": "red"},
    SchemaDefect.STRING_TYPE: {"rows": [{**ROW, "comment": 7}]},
    SchemaDefect.TOO_SHORT: {"rows": [{**ROW, "spotler": ""}]},
    SchemaDefect.STRING_PATTERN_MISMATCH: {"entityTable": "No name"},
    SchemaDefect.INT_TYPE: {"language": []},
    SchemaDefect.INT_PARSING: {"language": "Dutch"},
    SchemaDefect.INT_FROM_FLOAT: {"language": 1.5},
    SchemaDefect.GREATER_THAN_EQUAL: {"version": 0},
    SchemaDefect.LESS_THAN_EQUAL: {"version": 2},
    SchemaDefect.ENUM: {"rows": [{**ROW, "conflict": "both"}]},
    SchemaDefect.DICT_TYPE: {"filters": "all"},
    SchemaDefect.MODEL_TYPE: {"rows": ["email"]},
    SchemaDefect.LIST_TYPE: {"rows": "email"},
    SchemaDefect.TOO_LONG: {"rows": [ROW] * (MOST_ROWS + 1)},
}


@pytest.mark.parametrize("defect", SchemaDefect, ids=lambda one: one.name)
def test_a_template_has_the_text_of_pydantic(defect: SchemaDefect) -> None:
    document = {"version": 1, "rows": [ROW], **DOCUMENTS[defect]}
    with pytest.raises(MappingError) as refused:
        read_mapping({name: one for name, one in document.items() if one is not None})

    assert defect in {text.wording for _, text in refused.value.places}, str(refused.value)
