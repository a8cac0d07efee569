"""Makes Spotler's list equal to a snapshot, bucket by bucket, with as few calls as the differences need."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from shared.domain.features.lists import LeftOut, difference
from shared.domain.records.jobs import JobResult
from shared.domain.records.records import RecordKey
from shared.domain.wording.causes.spotler_causes import SpotlerCause
from shared.errors import NotFoundError, TransientError
from shared.lists.list_state import ListRun, ListState
from shared.lists.list_state_repository import ListStateRepository, MemberPresence
from shared.lists.list_targets import ListTargets
from shared.lists.members import MEMBER_ATTEMPTS, Members

_PER_CALL = 2500
_CALLS = 10
"""Calls of Spotler in one step: a minute's work at most, and little to repeat after a crash."""


class ListGoneError(Exception):
    """Spotler has no such list (any more)."""


@dataclass(frozen=True, slots=True)
class RepairResult:
    """Contacts that were added after all, by external id, and records that were not, with the reason."""

    added: frozenset[str] = frozenset()
    failed: dict[RecordKey, str] = field(default_factory=dict)


@dataclass(slots=True)
class DeliveryResult:
    """What one step has sent. `wanted` counts the people of its buckets who are in the list now."""

    next_bucket: int
    is_last: bool = False
    wanted: int = 0
    added: int = 0
    removed: int = 0
    must_replace: bool = False
    unknown: set[str] = field(default_factory=set)
    found_again: set[str] = field(default_factory=set)
    failed: dict[RecordKey, str] = field(default_factory=dict)


class ListDelivery:
    """Sends differences. Contacts that cannot be sent are noted as absent, with the reason for every member."""

    def __init__(self, *, targets: ListTargets, states: ListStateRepository, members: Members) -> None:
        self._targets = targets
        self._states = states
        self._members = members

    async def deliver(self, state: ListState, run: ListRun, *, first: int, attempt: int) -> DeliveryResult:
        """Deliver buckets from `first` on until enough was sent. ListGoneError; ConnectorErrors.

        A repetition is harmless: to Spotler, contacts that were added or removed already make no difference.
        """
        known = state.snapshots or {}
        of = max(run.buckets, *known.values(), 1)
        can_remove = self._targets.of(state.kind).can_remove
        done = DeliveryResult(first)
        adding: list[str] = []
        removing: list[str] = []
        calls = 0
        for bucket in range(first, of):
            content = await self._states.content(state.id, run.snapshot, run.buckets, bucket, of)
            changes = difference(content.possible, await self._states.known(state.id, known, bucket, of))
            if changes.remove and not can_remove:
                done.must_replace = True
                return done
            done.wanted += len(content.possible)
            done.added += len(changes.add)
            done.removed += len(changes.remove)
            done.next_bucket = bucket + 1
            adding += changes.add
            removing += changes.remove
            calls += await self._flush(state, adding, removing, done, least=_PER_CALL, attempt=attempt)
            if calls >= _CALLS:
                break
        await self._flush(state, adding, removing, done, least=1, attempt=attempt)
        await self._note(state, run, first, done)
        done.is_last = done.next_bucket >= of
        return done

    async def removals(self, state: ListState, run: ListRun) -> tuple[int, int]:
        """Count the contacts that would leave the list, and those that may be in it.

        If the content is unknown, the last synchronisation's count is used. Reads the state only. ConnectorErrors.
        """
        if state.snapshots is None:
            sent = next((past.sent for past in state.history if past.code == JobResult.OK), 0)
            return max(0, sent - run.members), sent
        of = max(run.buckets, *state.snapshots.values(), 1)
        leaving = present = 0
        for bucket in range(of):
            known = await self._states.known(state.id, state.snapshots, bucket, of)
            content = await self._states.content(state.id, run.snapshot, run.buckets, bucket, of)
            leaving += len(difference(content.possible, known).remove)
            present += len(known.possible)
        return leaving, present

    async def repair(self, state: ListState, unknown: Collection[str], *, attempt: int) -> RepairResult:
        """Synchronise people again whose contact Spotler does not know, and add them.

        TransientError while some are waiting; after some attempts these count as failed.
        """
        again = await self._members.find_again(unknown)
        if again.waiting and attempt < MEMBER_ATTEMPTS:
            raise TransientError(SpotlerCause.MEMBERS_LOST())
        contacts = {key: contact for key, contact in again.contacts.items() if key.table is state.table}
        still = await self._targets.add(state, sorted(set(contacts.values())))
        failed = again.skipped | again.failed | dict.fromkeys(again.waiting, LeftOut.LATE)
        failed |= {key: LeftOut.UNKNOWN for key, contact in contacts.items() if contact in still}
        mine = {key: str(reason) for key, reason in failed.items() if key.table is state.table}
        return RepairResult(frozenset(contacts.values()) - still, mine)

    async def _flush(
        self,
        state: ListState,
        adding: list[str],
        removing: list[str],
        done: DeliveryResult,
        *,
        least: int,
        attempt: int,
    ) -> int:
        """Send full calls, and the rest if `least` is 1; returns the number of calls."""
        calls = 0
        try:
            while len(adding) >= least:
                await self._add(state, adding[:_PER_CALL], done, attempt)
                del adding[:_PER_CALL]
                calls += 1
            while len(removing) >= least:
                await self._targets.remove(state, removing[:_PER_CALL])
                del removing[:_PER_CALL]
                calls += 1
        except NotFoundError as error:
            raise ListGoneError from error
        return calls

    async def _add(self, state: ListState, contacts: Sequence[str], done: DeliveryResult, attempt: int) -> None:
        unknown = await self._targets.add(state, contacts)
        if unknown:
            repaired = await self.repair(state, unknown, attempt=attempt)
            done.unknown |= unknown - repaired.added
            done.found_again |= repaired.added - unknown
            done.failed |= repaired.failed

    async def _note(self, state: ListState, run: ListRun, first: int, done: DeliveryResult) -> None:
        """Note contacts of the snapshot that are absent, and contacts that are in under another external id."""
        if not done.unknown:
            return
        missing = len(done.unknown) - len(done.found_again)
        done.wanted -= missing
        done.added -= missing
        where = {run.snapshot: run.buckets}
        await self._states.put_left_out(state.id, run.snapshot, f"x{first:03}", skipped={}, failed=done.failed)
        await self._states.note(state.id, where, done.unknown, MemberPresence.OUT)
        await self._states.note(state.id, where, done.found_again, MemberPresence.IN)
