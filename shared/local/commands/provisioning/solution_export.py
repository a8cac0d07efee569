"""`python -m shared install --export-solution`: the installed solution as a file for other environments (C-34)."""

from __future__ import annotations

from pathlib import Path

from shared.errors import ConfigurationError
from shared.installation import plan
from shared.installation.desired.state import Solution
from shared.installation.plan import Action
from shared.installation.session import Goal, Session
from shared.installation.solution_file import Package, SolutionFile, export_solution, exportable
from shared.installation.wire.customization_client import CustomizationClient


async def write_solution_file(
    session: Session, client: CustomizationClient, solution: Solution, package: Package, target: Path
) -> Path:
    """Export the solution; return where the file is. `target` is a file, or a folder in which it gets its usual name.

    Prints what differs from the files of the product. Raises ConfigurationError if a part is missing.
    """
    _refuse_missing_folder(target)
    found = await exportable(client, solution)
    await _refuse_gaps(session)
    file = await export_solution(client, solution, found, package)
    return _written(file, target)


def _refuse_missing_folder(target: Path) -> None:
    if not target.absolute().parent.is_dir():
        raise ConfigurationError(f"The folder {target.absolute().parent} does not exist: make it first")


async def _refuse_gaps(session: Session) -> None:
    """Raise ConfigurationError if a part of the solution is missing; tell of parts that somebody changed."""
    steps = plan.writes(await session.read(Goal.INSTALL))
    if missing := [f"{step.kind} {step.name}" for step in steps if step.action is Action.CREATE]:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise ConfigurationError(
            f"The {missing[0]}{more} would be missing in the solution file: run `python -m shared install` first, or "
            "leave the same parts out (--without)"
        )
    for step in steps:
        print(f"The file has {step.kind} {step.name} as it is here: {step.reason}.")


def _written(file: SolutionFile, target: Path) -> Path:
    path = target / file.name if target.is_dir() else target
    try:
        path.write_bytes(file.content)
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be written: {error.strerror}") from None
    return path
