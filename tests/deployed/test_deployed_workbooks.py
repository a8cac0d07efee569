"""Workbooks are read with what is deployed, and none of them may have a document type."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping

import openpyxl
import pytest

from shared.adapters.workbook.bounds import WorkbookError
from shared.adapters.workbook.files import read_file
from shared.adapters.workbook.writing import to_workbook
from shared.domain.mapping.formats.document import read_mapping

MAPPING = read_mapping(
    {
        "version": 1,
        "rows": [
            {"spotler": "email", "contact": "emailaddress1"},
            {"spotler": "firstName", "contact": "firstname", "comment": "not a <!DOCTYPE html>"},
        ],
    }
)
WORKBOOK = to_workbook("prod", MAPPING, ["email", "firstName"])
BOMB = "<!DOCTYPE a [" + "".join(f'<!ENTITY b{n + 1} "{f"&b{n};" * 10}">' for n in range(9)) + '<!ENTITY b0 "x">]>'
PNG = b"\x89PNG\r\n\x1a\n<!DOCTYPE"


def parts() -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(WORKBOOK)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(contents: Mapping[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    return stream.getvalue()


def with_prolog(part: bytes, prolog: str) -> str:
    """Put something before the root element."""
    text = part.decode()
    declaration, end, rest = text.rpartition("?>") if text.startswith("<?xml") else ("", "", text)
    return f"{declaration}{end}{prolog}{rest}"


def in_utf_8(text: str) -> bytes:
    return text.encode()


def in_utf_16(text: str) -> bytes:
    return text.partition("?>")[2].encode("utf-16") if text.startswith("<?xml") else text.encode("utf-16")


def in_latin_1(text: str) -> bytes:
    body = text.partition("?>")[2] if text.startswith("<?xml") else text
    return b"<?xml version='1.0' encoding='iso-8859-1'?>" + body.encode("iso-8859-1")


def test_a_mapping_in_a_workbook_is_read() -> None:
    assert read_file(WORKBOOK, "prod") == MAPPING
    assert read_file(packed(parts()), "prod") == MAPPING


def test_openpyxl_finds_the_parser_that_expands_no_entities() -> None:
    assert openpyxl.DEFUSEDXML is True


@pytest.mark.parametrize("encode", [in_utf_8, in_utf_16, in_latin_1])
@pytest.mark.parametrize("name", parts())
@pytest.mark.parametrize(
    "prolog",
    ["<!DOCTYPE x>", "<!DOCTYPE x SYSTEM 'file:///etc/passwd'>", BOMB, f"<!--{' ' * 1_000_000}--><!DOCTYPE x>"],
    ids=["bare", "external", "bomb", "behind-a-comment"],
)
def test_a_document_type_in_any_part_of_a_workbook_is_refused(
    prolog: str, name: str, encode: Callable[[str], bytes]
) -> None:
    contents = parts()
    contents[name] = encode(with_prolog(contents[name], prolog))

    with pytest.raises(WorkbookError, match="document type"):
        read_file(packed(contents), "prod")


@pytest.mark.parametrize("name", ["customXml/item1.xml", "xl/media/image1.svg", "anything"])
def test_a_part_that_nothing_refers_to_is_no_exception(name: str) -> None:
    contents = {**parts(), name: b"<!DOCTYPE svg><svg/>"}

    with pytest.raises(WorkbookError, match="document type"):
        read_file(packed(contents), "prod")


@pytest.mark.parametrize(
    "content", [PNG, b"", b"\xff\xfe", b"<?xml version='1.0' encoding='no-such'?><x/>", b"<a><!DOCTYPE"]
)
def test_a_part_that_is_no_xml_is_left_alone(content: bytes) -> None:
    assert read_file(packed({**parts(), "xl/media/image1.png": content}), "prod") == MAPPING


def test_a_long_comment_before_the_root_element_is_refused_without_reading_it() -> None:
    contents = parts()
    contents["xl/workbook.xml"] = b"<!--" + b" " * 15_000_000 + b"-->" + contents["xl/workbook.xml"]

    with pytest.raises(WorkbookError, match="long comment"):
        read_file(packed(contents), "prod")


def test_a_large_image_is_left_alone() -> None:
    assert read_file(packed({**parts(), "xl/media/image1.png": PNG + b"<" * 200_000}), "prod") == MAPPING


def test_a_part_that_is_there_twice_is_looked_at_twice() -> None:
    stream = io.BytesIO(WORKBOOK)
    with zipfile.ZipFile(stream, "a") as archive:
        for content in (b"<!DOCTYPE x><x/>", parts()["xl/workbook.xml"]):
            with pytest.warns(UserWarning, match="Duplicate name"):
                archive.writestr("xl/workbook.xml", content)

    with pytest.raises(WorkbookError, match="document type"):
        read_file(stream.getvalue(), "prod")
