"""Opens a workbook that somebody sent: nothing in it is executed, and it cannot unpack to more than it should."""

from __future__ import annotations

import warnings
from io import BytesIO
from typing import TYPE_CHECKING
from zipfile import BadZipFile, ZipFile

from shared.core.mapping.document import MappingError

if TYPE_CHECKING:
    from openpyxl import Workbook

_MOST_BYTES = 20_000_000
"""Of the unpacked workbook: a small file may hold gigabytes."""


class WorkbookError(MappingError):
    """The workbook cannot be written or read; places are addresses of cells, such as `prod!C7`."""


def open_workbook(content: bytes) -> Workbook:
    """Read the file; WorkbookError if it is none, damaged or too large."""
    from openpyxl import load_workbook  # noqa: PLC0415  # takes a while to load, and most calls do not need it

    try:
        with ZipFile(BytesIO(content)) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
    except (BadZipFile, OSError):
        raise WorkbookError([((), "this is no workbook (.xlsx)")]) from None
    if unpacked > _MOST_BYTES:
        raise WorkbookError([((), "the workbook is too large")])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # parts that openpyxl leaves out, such as images, matter to nobody here
            return load_workbook(BytesIO(content), keep_links=False)
    except Exception as problem:  # noqa: BLE001  # openpyxl lets out whatever a damaged file makes it stumble over
        raise WorkbookError([((), f"the workbook (.xlsx) is damaged: {type(problem).__name__}")]) from None
