"""Files with values for az: other users of this machine see the arguments of a process, but not these."""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def private_json(contents: Any) -> Iterator[Path]:
    """Write JSON where only this user reads it, and delete it at the end of the block."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "values.json"
        file.touch(mode=0o600)
        file.write_text(json.dumps(contents), encoding="utf-8")
        yield file
