"""MAP-04: a workbook that another program than openpyxl has opened, edited and saved (SheetJS of npm)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from shared.adapters.workbook.files import read_file
from shared.adapters.workbook.writing import to_workbook
from shared.domain.mapping.language.expression import Column
from shared.domain.records.records import PersonTable
from tests.programs.foreign import npm_package, play
from tests.unit.adapters.workbook.test_mapping_workbook import MAPPING, PROPERTIES

SCRIPT = Path(__file__).parent / "workbook_program" / "replace_cell.js"
CITY = {PersonTable.CONTACT: Column("address2_city")}


def test_a_workbook_edited_in_another_program_is_the_same_mapping_but_for_the_edit(tmp_path: Path) -> None:
    book = tmp_path / "mapping.xlsx"
    book.write_bytes(to_workbook("prod", MAPPING, PROPERTIES))
    program = npm_package("xlsx", "0.18.5")

    done = play(["node", str(SCRIPT), str(program), str(book), "address1_city", "address2_city"], {})

    assert done == {"replaced": 1}
    *others, city = MAPPING.rows
    assert read_file(book.read_bytes(), "prod") == replace(MAPPING, rows=(*others, replace(city, sources=CITY)))
