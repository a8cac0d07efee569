"""Fuzzes one reader, guided by coverage.

`python -m tests.property.hostile_input.readers_under_coverage "YAML" -max_total_time=60`
tries the reader of YAML for a minute.

Needs atheris, which is no part of the environment: it has no files for every Python. The test installs it by itself.
"""

from __future__ import annotations

import resource
import sys
import tempfile
from pathlib import Path

import atheris  # type: ignore[import-not-found, unused-ignore]  # see above

with atheris.instrument_imports(include=["shared"]):
    from tests.property.hostile_input.readers import READERS


_MOST_MEMORY = 4 << 30


def main(name: str, options: list[str]) -> None:
    """Run until the time is over; libFuzzer ends the process with another code than 0 at the first crash."""
    reader = READERS[name]
    folder = Path(tempfile.mkdtemp(prefix="corpus-"))
    for number, sample in enumerate(reader.samples):
        (folder / str(number)).write_bytes(sample)

    def one(content: bytes) -> None:
        try:
            reader.read(content)
        except reader.refusals:
            return

    # libFuzzer looks at the largest memory ever, which a process inherits from the one that started it.
    resource.setrlimit(resource.RLIMIT_AS, (_MOST_MEMORY, _MOST_MEMORY))
    atheris.Setup([sys.argv[0], str(folder), "-max_len=20000", "-timeout=20", "-rss_limit_mb=0", *options], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
