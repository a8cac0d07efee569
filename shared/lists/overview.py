"""Answers questions about a list: how many members, how many would be skipped, and how the last runs ended.

The confirmation dialog of a Sync To Spotler button asks this (ML-16, ML-17). The members are resolved as in a
synchronisation.
"""

from collections import Counter
from typing import Any
from uuid import UUID

from shared.domain.features.lists import ListKind, frequent_first
from shared.domain.records.jobs import JobResult
from shared.lists.list_state import ListRun, ListState, RunSummary
from shared.lists.start import ListStart
from shared.lists.steps import PAGE
from shared.lists.tools import ListTools
from shared.messages.list_messages import Phase
from shared.ports.dataverse import MarketingList


class ListOverview:
    """Answers as JSON: ids, counts and codes."""

    def __init__(self, tools: ListTools, start: ListStart) -> None:
        self._tools = tools
        self._start = start

    async def of(self, identifier: UUID, *, most: int) -> dict[str, Any] | None:
        """Describe a list, None if there is none. `most` members are resolved, in whole pages of 2,500.

        Raises ConnectorErrors.
        """
        marketing_list = await self._tools.lists.read_list(identifier)
        if marketing_list is None:
            return None
        state = await self._tools.states.read(identifier)
        objection = self._start.objection(marketing_list)
        answer: dict[str, Any] = {
            "list": str(identifier),
            "name": marketing_list.name,
            "table": marketing_list.table,
            "type": "dynamic" if marketing_list.is_dynamic else "static",
            "active": marketing_list.is_active,
            "kind": self._start.kind_of(marketing_list),
            "canSync": objection is None,
            "objection": {"code": objection.code, "text": objection.text} if objection else None,
            "excludesOptedOut": marketing_list.rules.exclude_opted_out,
            "ignoresInactive": marketing_list.rules.ignore_inactive,
        }
        if objection is None and most > 0:
            answer |= await self._selection(marketing_list, most)
        return answer | _state_json(state)

    async def left_out(self, identifier: UUID) -> dict[str, Any] | None:
        """Return the record ids that the last synchronisation left out, by reason. None if there was none."""
        state = await self._tools.states.read(identifier)
        if state is None or not state.snapshots:
            return None
        found: dict[str, dict[str, list[str]]] = {"skipped": {}, "failed": {}}
        async for what, reason, keys in self._tools.states.left_out(identifier, list(state.snapshots)[-1]):
            found[what].setdefault(reason, []).extend(keys)
        return {"list": str(identifier), **found}

    async def _selection(self, marketing_list: MarketingList, most: int) -> dict[str, Any]:
        skipped: Counter[str] = Counter()
        members = known = new_subscribers = 0
        after: str | None = None
        while True:
            page = await self._tools.lists.members(marketing_list, after=after, limit=PAGE)
            selection = await self._tools.members.select(list(dict.fromkeys(page.keys)), marketing_list.rules)
            members += len(selection.contacts) + len(selection.new_subscribers) + len(selection.skipped)
            known += len(selection.contacts)
            new_subscribers += len(selection.new_subscribers)
            skipped.update(selection.skipped.values())
            if (after := page.after) is None or members >= most:
                break
        wouldbe = known + new_subscribers
        return {
            "members": members,
            "complete": after is None,
            "wouldBeSent": wouldbe,
            "newToSpotler": new_subscribers,
            "wouldBeSkipped": {reason: skipped[reason] for reason in frequent_first(skipped)},
            "question": _question(marketing_list, members, wouldbe, skipped, complete=after is None),
        }


def _question(marketing_list: MarketingList, members: int, sent: int, skipped: Counter[str], *, complete: bool) -> str:
    """ML-16, ML-17: the text of the dialog."""
    about = "" if complete else "At least "
    text = f'{about}{sent} of {members} members of "{marketing_list.name}" will be synchronised.'
    if skipped:
        reasons = ", ".join(f"{skipped[reason]} {reason}" for reason in frequent_first(skipped))
        text += f" {skipped.total()} will be skipped: {reasons}."
    rules = marketing_list.rules
    kinds = [name for name, on in (("Inactive", rules.ignore_inactive), ("opted-out", rules.exclude_opted_out)) if on]
    if kinds:
        text += f" {' and '.join(kinds).capitalize()} members are skipped."
    return text


def _state_json(state: ListState | None) -> dict[str, Any]:
    if state is None:
        return {"inSpotler": False, "spotlerList": None, "running": None, "history": []}
    kinds = {ListKind.AUDIENCE: "audience", ListKind.TEMPORARY: "temporary list", ListKind.STATIC: ""}
    return {
        "inSpotler": state.is_listed,
        "spotlerList": {"externalId": state.spotler_id, "kind": kinds[state.kind], "name": state.name},
        "running": _progress(state.run) if state.run else None,
        "history": [_summary_json(past) for past in state.history],
    }


def _progress(run: ListRun) -> dict[str, object]:
    return {
        "phase": run.phase or Phase.READ,
        "members": run.members,
        "done": run.done,
        "since": run.started_on.isoformat(timespec="seconds"),
        "lastSign": run.alive_on.isoformat(timespec="seconds"),
    }


def _summary_json(past: RunSummary) -> dict[str, Any]:
    ended = {"endedOn": past.ended_on.isoformat(timespec="seconds"), "code": past.code}
    if past.code != JobResult.OK:
        return ended
    return ended | {
        "asOf": past.taken_at.isoformat(timespec="seconds") if past.taken_at else None,
        "sent": past.sent,
        "added": past.added,
        "removed": past.removed,
        "skipped": dict(past.skipped),
        "failed": dict(past.failed),
    }
