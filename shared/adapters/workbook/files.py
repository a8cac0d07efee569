"""A mapping as a file: YAML, or a workbook, whose modules are imported when one comes."""

from collections.abc import Sequence
from enum import StrEnum

from shared.adapters.workbook.sizes import LARGEST, LARGEST_TEXT
from shared.domain.mapping.formats.document import MappingError
from shared.domain.mapping.formats.yaml_format import from_yaml, to_yaml
from shared.domain.mapping.model import Mapping
from shared.domain.wording.defects import FileDefect
from shared.domain.wording.phrase import Grouped, Phrase

_ZIP = b"PK"  # the beginning of every workbook


class FileTooLargeError(MappingError):
    """The file is too large, and was not read."""

    def __init__(self, what: Phrase, most: int) -> None:
        super().__init__([((), FileDefect.TOO_LARGE(what=what, most=Grouped(most)))])


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
    """Read the mapping of an environment from either format; MappingError lists all defects.

    The largest files take seconds; FileTooLargeError for larger ones.
    """
    if len(content) > LARGEST:
        raise FileTooLargeError(FileDefect.THE_FILE(), LARGEST)
    if not content.startswith(_ZIP):
        if len(content) > LARGEST_TEXT:
            raise FileTooLargeError(FileDefect.A_MAPPING(), LARGEST_TEXT)
        try:
            return from_yaml(content.decode())
        except UnicodeDecodeError:
            raise MappingError([((), FileDefect.NO_FORMAT())]) from None
    from shared.adapters.workbook.reading import from_workbook  # noqa: PLC0415  # see above

    return from_workbook(content, environment)


def write_file(mapping: Mapping, form: Format, environment: str, properties: Sequence[str] = ()) -> bytes:
    """Write a mapping; `properties` are the Spotler columns that a workbook offers. MappingError if it does not fit."""
    match form:
        case Format.YAML:
            return to_yaml(mapping).encode()
        case Format.WORKBOOK:
            from shared.adapters.workbook.writing import to_workbook  # noqa: PLC0415  # see above

            return to_workbook(environment, mapping, properties)
