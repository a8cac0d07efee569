"""An administrator's operations on the mapping: the same for the command line and for HTTP.

A mapping is checked before it becomes live. Errors cannot be overruled. A warning can, by its code: one acceptance
never covers a warning that nobody has read, such as that of a protected row (MAP-33).
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from difflib import unified_diff

from shared.administration.mapping_repository import MappingRepository, Version
from shared.administration.worker_thread import run_in_thread
from shared.domain.mapping.findings import Code, Finding, Severity
from shared.domain.mapping.formats.document import MappingError
from shared.domain.mapping.formats.yaml_format import from_yaml, to_yaml
from shared.domain.mapping.model import Mapping
from shared.domain.wording.errors import ErrorText
from shared.domain.wording.versions import VersionComment
from shared.errors import DataError

Check = Callable[[Mapping], Awaitable[Sequence[Finding]]]


async def _no_trial(_: Mapping) -> Sequence[Finding]:
    return ()


@dataclass(frozen=True, slots=True)
class MappingChange:
    """A requested change: by which role or id, why, and on which version it is based (None: the live one).

    `accepted` are the warnings that the administrator accepts.
    """

    by: str
    comment: str = ""
    base: int | None = None
    accepted: frozenset[Code] = frozenset()


@dataclass(frozen=True, slots=True)
class Applied:
    """The version that is live now, and the findings of the check."""

    version: Version
    findings: Sequence[Finding]


@dataclass(frozen=True, slots=True)
class ChangeRefused:
    """Nothing has changed, because of `findings`, of which some warnings were `accepted`."""

    findings: Sequence[Finding]
    accepted: frozenset[Code] = frozenset()

    def advice(self, consent: Callable[[Sequence[Code]], str]) -> str:
        """Return what to do. `consent` writes how the caller accepts warnings by their codes."""
        if any(finding.severity is Severity.ERROR for finding in self.findings):
            return "Nothing has changed. Correct the errors: nothing overrules them."
        codes = list(dict.fromkeys(finding.code for finding in _unaccepted(self.findings, self.accepted)))
        return (
            "Nothing has changed. Correct what is warned of, or name each warning that you take for what it is: "
            f"{consent(codes)}."
        )


class MappingService:
    """Changes the mapping of one environment. `defaults` returns the rows of a first activation."""

    def __init__(self, repository: MappingRepository, check: Check, defaults: Callable[[], Mapping]) -> None:
        self._repository = repository
        self._check = check
        self._defaults = defaults

    async def live(self) -> Version:
        """Return the live version; activates the first one if there is none."""
        pointer = await self._repository.activate(to_yaml(self._defaults()))
        return await self._repository.version(pointer.number)

    async def version(self, number: int | None) -> Version:
        """Return one version, None for the live one; NotFoundError if there is none of that number."""
        return await self.live() if number is None else await self._repository.version(number)

    async def history(self) -> list[Version]:
        """Return every version that was live, newest first."""
        await self.live()
        return await self._repository.history()

    async def check(self, mapping: Mapping) -> Sequence[Finding]:
        """Check a mapping against both sides."""
        return await self._check(mapping)

    async def apply(self, mapping: Mapping, change: MappingChange, trial: Check = _no_trial) -> Applied | ChangeRefused:
        """Make a mapping live if its check allows it; `trial` finds its effect on real records.

        Errors are those of `MappingRepository.apply`, and of reading the records.
        """
        live = await self.live()
        findings = await self._check(mapping)
        if any(finding.severity is Severity.ERROR for finding in findings):
            return ChangeRefused(findings, change.accepted)
        findings = (*findings, *await trial(mapping))
        if _unaccepted(findings, change.accepted):
            return ChangeRefused(findings, change.accepted)
        base = live.number if change.base is None else change.base
        text = await run_in_thread(to_yaml, mapping)
        version = await self._repository.apply(text, by=change.by, comment=change.comment, base=base)
        return Applied(version, findings)

    async def rollback(self, number: int, change: MappingChange, trial: Check = _no_trial) -> Applied | ChangeRefused:
        """Make a new version equal to an old one, if its check allows it; NotFoundError if there is no such version."""
        mapping = mapping_of(await self._repository.version(number))
        change = replace(change, comment=change.comment or VersionComment.ROLLBACK(number=str(number)))
        return await self.apply(mapping, change, trial)

    async def restore_defaults(self, change: MappingChange, trial: Check = _no_trial) -> Applied | ChangeRefused:
        """Restore default rows whose Spotler property no row fills; other rows stay as they are (C-41)."""
        mapping = with_defaults(mapping_of(await self.live()), self._defaults())
        return await self.apply(mapping, replace(change, comment=change.comment or VersionComment.DEFAULTS()), trial)


def _unaccepted(findings: Sequence[Finding], accepted: frozenset[Code]) -> list[Finding]:
    return [one for one in findings if one.severity is Severity.WARNING and one.code not in accepted]


def mapping_of(version: Version) -> Mapping:
    """Read the mapping of a version; DataError if today's connector cannot parse it any more."""
    try:
        return from_yaml(version.text)
    except MappingError as problem:
        raise DataError(ErrorText.VERSION_OUTDATED(number=str(version.number), problem=problem.text)) from None


def with_defaults(mapping: Mapping, defaults: Mapping) -> Mapping:
    """Add the default rows whose Spotler property no row fills."""
    filled = {row.property_name for row in mapping.rows}
    return replace(mapping, rows=(*mapping.rows, *(row for row in defaults.rows if row.property_name not in filled)))


def difference(old: str, new: str, old_name: str, new_name: str) -> str:
    """Return the difference of two texts as a unified diff; empty if they are equal."""
    return "\n".join(unified_diff(old.splitlines(), new.splitlines(), old_name, new_name, lineterm=""))
