"""A mapping as a file that people send and keep: YAML, or a workbook."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from shared.core.mapping.document import MappingError
from shared.core.mapping.model import Mapping
from shared.core.mapping.yaml_format import from_yaml, to_yaml
from shared.workbook.reading import from_workbook
from shared.workbook.writing import to_workbook

LARGEST = 2_000_000
"""Bytes of a file: some hundred times what the largest mapping needs."""

_ZIP = b"PK"  # what every workbook begins with


class Format(StrEnum):
    """The formats; the values are also the endings of file names."""

    YAML = "yaml"
    WORKBOOK = "xlsx"

    @property
    def media_type(self) -> str:
        """The name of the format in HTTP."""
        match self:
            case Format.YAML:
                return "application/yaml"
            case Format.WORKBOOK:
                return "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def read_file(content: bytes, environment: str) -> Mapping:
    """Read the mapping of an environment from either format; MappingError lists all that is wrong with it."""
    if len(content) > LARGEST:
        raise _whole(f"the file is larger than {LARGEST} bytes")
    if not content.startswith(_ZIP):
        try:
            return from_yaml(content.decode())
        except UnicodeDecodeError:
            raise _whole("this is neither YAML in UTF-8 nor a workbook (.xlsx)") from None
    return from_workbook(content, environment)


def write_file(mapping: Mapping, form: Format, environment: str, properties: Sequence[str] = ()) -> bytes:
    """Write a mapping; `properties` are the Spotler columns that a workbook offers. MappingError if it does not fit."""
    match form:
        case Format.YAML:
            return to_yaml(mapping).encode()
        case Format.WORKBOOK:
            return to_workbook(environment, mapping, properties)


def _whole(text: str) -> MappingError:
    return MappingError([((), text)])
