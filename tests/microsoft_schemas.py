"""Microsoft's schemas, for checks of what the project describes: where they are, and those of customisations compiled.

They are Microsoft's and not part of the project: MICROSOFT_SCHEMAS names the folder that holds `dataverse` and `arm`.
Without it such tests are skipped with that reason; with CI=true they fail.
"""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Sequence
from pathlib import Path

import pytest
import xmlschema

ROOT = Path(__file__).resolve().parents[1]
DEFAULT = ROOT.parent / "shared" / "reference" / "schemas"

LOOK_AHEAD = "(?![cC][rR][mM]_)"  # not part of XML Schema
ANCHORED = re.compile(r'(<xs:pattern value\s*=\s*")\^([^"]*)\$"')  # XML Schema takes anchors literally, .NET does not


def microsoft_schemas(part: str) -> Path:
    """Return the folder of a part of the schemas: `dataverse` or `arm`."""
    folder = Path(os.environ.get("MICROSOFT_SCHEMAS", DEFAULT)).absolute() / part
    if folder.is_dir():
        return folder
    why = f"Microsoft's schemas are not in {folder}: nothing of ours has been checked against them"
    if os.environ.get("CI") == "true":
        pytest.fail(why)
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        warnings.warn(why, stacklevel=2)
    pytest.skip(why)


def compile_schema(name: str, folder: Path) -> xmlschema.XMLSchema:
    """Compile a schema and what it includes, from copies in `folder` whose patterns XML Schema can read."""
    for path in microsoft_schemas("dataverse").glob("*.xsd"):
        text = path.read_text(encoding="utf-8-sig").replace(LOOK_AHEAD, "")
        (folder / path.name).write_text(ANCHORED.sub(r'\1\2"', text), encoding="utf-8")
    return xmlschema.XMLSchema(str(folder / f"{name}.xsd"))


def faults(schema: xmlschema.XMLSchema, text: str) -> Sequence[tuple[str, str]]:
    """What is wrong with a document: pairs of a path and a reason."""
    return [(error.path or "", error.reason or "") for error in schema.iter_errors(text)]
