"""Microsoft's own worker library gives a function exactly what the local host gives it.

The library needs Python 3.13 and the app's requirements, so it runs in an environment of its own.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

PROJECT = Path(__file__).parents[3]
SAMPLE = PROJECT / "tests" / "samples" / "function_app"
PROBE = Path(__file__).parent / "worker_library" / "probe.py"
LIBRARY = "azure-functions-runtime~=1.3"
VERSION = (3, 13)


@pytest.fixture(scope="module")
def worker_python(request: pytest.FixtureRequest) -> Path:
    """Make, or find again, an environment with the app's requirements and the worker library."""
    base = next(_pythons(), None)
    if base is None:
        message = f"no Python {VERSION[0]}.{VERSION[1]} here, which the worker library of Azure Functions needs"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    requirements = PROJECT / "requirements.txt"
    recipe = hashlib.sha256(requirements.read_bytes() + LIBRARY.encode() + str(base).encode()).hexdigest()[:12]
    cache = request.config.cache
    assert cache is not None
    folder = cache.mkdir("worker-library") / recipe
    python = folder / "bin" / "python"
    if not (folder / "complete").exists():
        uv = (Path(sys.executable), "-m", "uv", "--quiet")
        _run(*uv, "venv", "--clear", "--python", str(base), str(folder))
        _run(*uv, "pip", "install", "--python", str(python), "--require-hashes", "-r", str(requirements))
        _run(*uv, "pip", "install", "--python", str(python), LIBRARY)  # by itself: the lock would ask for its hash
        (folder / "complete").touch()
    return python


@pytest.fixture(scope="module", params=[SAMPLE, PROJECT], ids=["sample", "connector"])
def findings(request: pytest.FixtureRequest, worker_python: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Let the library and our host index one app and decode each kind of trigger."""
    result = tmp_path_factory.mktemp("probe") / "result.json"
    _run(worker_python, str(PROBE), str(request.param), str(result), cwd=result.parent)
    return json.loads(result.read_text(encoding="utf-8"))


def test_the_worker_and_the_local_host_find_the_same_functions(findings: Mapping[str, Any]) -> None:
    assert findings["functions"]
    assert sorted(findings["functions"]) == findings["ours"]


def test_a_function_receives_the_same_from_the_worker_and_the_local_host(findings: Mapping[str, Any]) -> None:
    received = {name: finding["theirs"] for name, finding in findings["functions"].items()}

    assert {name: finding["ours"] for name, finding in findings["functions"].items()} == received


def test_the_worker_and_the_local_host_send_the_same_answer(findings: Mapping[str, Any]) -> None:
    answers = [finding for finding in findings["functions"].values() if finding["trigger"] == "httpTrigger"]

    assert answers
    for finding in answers:
        assert finding["our_answer"] == finding["their_answer"]
        assert finding["their_answer"] == {
            "status": "202",
            "headers": {"Location": "/there", "content-type": "application/json"},
            "cookies": ["a"],
            "body": '{"a": 1}',
        }


def test_the_comparison_covers_every_kind_of_trigger_with_real_content(findings: Mapping[str, Any]) -> None:
    received = {finding["trigger"]: finding["theirs"] for finding in findings["functions"].values()}

    assert {"serviceBusTrigger", "timerTrigger", "httpTrigger"} == received.keys()
    assert received["timerTrigger"]["past_due"] is True
    assert received["httpTrigger"]["route_params"] == {"table": "contact", "id": "7"}
    batches = [finding["theirs"] for finding in findings["functions"].values() if isinstance(finding["theirs"], list)]
    assert batches
    for batch in batches:
        assert [message["message_id"] for message in batch] == ["m-1", "m-2"]
        assert [message["sequence_number"] for message in batch] == [41, 2**40]
        assert [message["enqueued_time_utc"] for message in batch] == [
            "2026-05-01T12:30:15.250000",
            "2026-05-01T12:30:15",
        ]
        assert batch[0]["body"] == '{"name": "Jürgen"}'


def _pythons() -> Iterator[Path]:
    named = f"python{VERSION[0]}.{VERSION[1]}"
    found: list[str | Path] = [sys.executable, shutil.which(named) or ""]
    found += sorted((Path.home() / ".pyenv" / "versions").glob(f"{VERSION[0]}.{VERSION[1]}.*/bin/{named}"))
    for candidate in found:
        # A version manager's shim may stand there without a Python behind it.
        check = f"import ensurepip, sys; sys.exit(sys.version_info[:2] != {VERSION})"
        if candidate and subprocess.run([candidate, "-c", check], check=False, capture_output=True).returncode == 0:
            yield Path(candidate)


def _run(program: Path, *arguments: str, cwd: Path = PROJECT) -> None:
    done = subprocess.run([program, *arguments], cwd=cwd, check=False, capture_output=True, text=True)
    if done.returncode:
        pytest.fail(f"{program.name} {' '.join(arguments[:3])} … ended with {done.returncode}:\n{done.stderr[-3000:]}")
