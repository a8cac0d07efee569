"""Opens a workbook that somebody sent: nothing in it is executed, and it cannot unpack to more than it should."""

from __future__ import annotations

import warnings
from io import BytesIO
from typing import TYPE_CHECKING
from xml.etree.ElementTree import ParseError
from zipfile import BadZipFile, ZipFile

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse

from shared.core.mapping.document import MappingError

if TYPE_CHECKING:
    from openpyxl import Workbook

_MOST_BYTES = 20_000_000
"""Of the unpacked workbook: a small file may hold gigabytes."""

_LONGEST_PROLOG = 65_536
"""Bytes before the root element of a part; older parsers scan a long comment again with every block they read."""

_CUT_OFF = frozenset({3, 5, 6})
"""Expat's codes of a text that ends too early: no root element, within a token, within a character."""


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
        refused = _has_document_type(content)
    except Exception as problem:  # noqa: BLE001  # a damaged archive fails in as many ways as there are compressions
        raise _damaged(problem) from None
    if refused:
        complaint = "a part of the workbook begins with a document type or a long comment; spreadsheets have neither"
        raise WorkbookError([((), complaint)])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # parts that openpyxl leaves out, such as images, matter to nobody here
            return load_workbook(BytesIO(content), keep_links=False)
    except Exception as problem:  # noqa: BLE001  # openpyxl lets out whatever a damaged file makes it stumble over
        raise _damaged(problem) from None


def _damaged(problem: Exception) -> WorkbookError:
    return WorkbookError([((), f"the workbook (.xlsx) is damaged: {type(problem).__name__}")])


def _has_document_type(content: bytes) -> bool:
    """Whether any part may declare one, in whatever encoding, used or not: an entity needs a document type.

    A declaration stands before the root element, so reading ends there. What is no XML, such as an image, has none.
    """
    with ZipFile(BytesIO(content)) as archive:
        for entry in archive.infolist():
            with archive.open(entry) as part:
                beginning = part.read(_LONGEST_PROLOG)
            try:
                next(iterparse(BytesIO(beginning), events=("start",), forbid_dtd=True), None)
            except DefusedXmlException:
                return True
            except ParseError as problem:
                if len(beginning) == _LONGEST_PROLOG and problem.code in _CUT_OFF:
                    return True
            except (LookupError, ValueError):
                continue
    return False
