"""Handles pages of Spotler contacts for the poll and for comparisons: drops echoes and synchronises the others.

A contact on which the connector itself fails does not stop the page. It becomes a review if it is a new subscriber,
otherwise a dead letter, under Spotler's own id.
"""

import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime
from functools import partial
from uuid import UUID

from shared.domain.mapping.model import EMAIL
from shared.domain.merging.divergence import Divergence, divergences
from shared.domain.merging.echo import is_echo
from shared.domain.planning.plan_input import BaseState, SharingRecords
from shared.domain.planning.rules import Rules
from shared.domain.planning.sharing import rules_of
from shared.domain.records.marketing_contact import MarketingContact, PropertyCatalogue
from shared.domain.records.outcomes import TEXTS, Reason
from shared.domain.records.records import PersonTable, RecordKey, Reference, Why
from shared.domain.values.addresses import address_key
from shared.domain.wording.causes.spotler_causes import SpotlerCause
from shared.domain.wording.letters import LetterText
from shared.engine.bindings.binding_documents import Entry
from shared.engine.bindings.ledger import Ledger
from shared.engine.guards.isolation import isolated
from shared.engine.record_handler import RecordHandler
from shared.engine.refusals.returns import Returns, correlation_of, record_id_of
from shared.engine.refusals.suppression_list import SuppressionList
from shared.engine.work_items import FetchedContact
from shared.errors import ConnectorError, DataError, Service, whereabouts
from shared.inbound.page_counts import ChangeKind, ImportMode, PageCounts
from shared.inbound.subscriber_import import SubscriberImport
from shared.messages.lane_messages import references_body
from shared.ports.dataverse import Crm
from shared.ports.marketing_platform import MarketingPlatform
from shared.ports.queue import Queue, QueueName

log = logging.getLogger(__name__)


Before = Callable[[Collection[str]], Awaitable[None]]
"""Called with the external ids of contacts before they are handled."""


class ContactChanges:
    """Handles the contacts of one environment."""

    def __init__(
        self,
        *,
        platform: MarketingPlatform,
        crm: Crm,
        people: RecordHandler,
        new_subscribers: SubscriberImport,
        ledger: Ledger,
        suppressions: SuppressionList,
        queue: Queue,
        rules: Rules,
    ) -> None:
        self._platform = platform
        self._crm = crm
        self._people = people
        self._new_subscribers = new_subscribers
        self._ledger = ledger
        self._returns = Returns(suppressions, crm, rules)
        self._queue = queue
        self._rules = rules

    async def known(
        self,
        contacts: Sequence[MarketingContact],
        at: datetime,
        handled: PageCounts,
        *,
        lane: QueueName,
        before: Before,
        doubts: Callable[[str], bool] = lambda _: False,
        compares: bool = False,
    ) -> set[RecordKey]:
        """Synchronise the records of contacts that have an id of ours; returns these records.

        `at` is a moment before the contacts were requested. `doubts` selects contacts that never count as an echo.
        `compares` also counts divergences by kind. Raises ConnectorErrors.
        """
        handled_keys: set[RecordKey] = set()

        async def synchronise(some: Sequence[MarketingContact]) -> None:
            by_id, part = {contact.external_id: contact for contact in some}, PageCounts()
            references, fetched_contacts = await self._changed(by_id, at, part, doubts, compares=compares)
            if references:
                await before(by_id.keys() - part.echoes)
                part.count(await self._people.handle(references, lane=lane, fetched_contacts=fetched_contacts))
            handled.add(part)
            handled_keys.update(reference.key for reference in references)

        await isolated(contacts, synchronise, partial(self._isolate, handled))
        return handled_keys

    async def new_subscribers(
        self, contacts: Sequence[MarketingContact], handled: PageCounts, *, lane: QueueName, import_mode: ImportMode
    ) -> None:
        """Import contacts that have no record. A person who returned to an address has its refusals lifted first."""
        if contacts and import_mode is not ImportMode.DEFER:
            handled.seen[ChangeKind.NEW_SUBSCRIBER] += len(contacts)
        if import_mode is ImportMode.COUNT:
            return

        async def import_some(some: Sequence[MarketingContact]) -> None:
            if not all(contact.is_readable for contact in some):
                raise DataError(SpotlerCause.CONTACT_UNREADABLE(), service=Service.SPOTLER)
            returned = await self._returns.of(some)
            asked: frozenset[RecordKey] = frozenset()
            try:
                if import_mode is ImportMode.IMPORT:
                    asked = await self._import_page(some, handled, lane)
            except DataError:
                raise
            except ConnectorError as error:  # it concerns all new subscribers, and other contacts must not wait
                handled.import_error = handled.import_error or error
            # A record with an open review must not be synchronised: its refusal would reach the contact.
            following = [one for one in returned if one.key not in asked]
            handled.count(await self._people.handle(following, lane=lane))

        try:
            await isolated(contacts, import_some, partial(self._isolate, handled))
        except ConnectorError:
            raise
        except Exception as error:  # noqa: BLE001  # it fails for every contact; the poll raises it at its end
            handled.import_error = handled.import_error or error

    async def _isolate(self, handled: PageCounts, contact: MarketingContact, error: Exception) -> None:
        handled.defects += 1
        name = contact.encrypted_id or record_id_of(contact) or "without an id"
        log.error("Spotler contact %s broke the connector: %s", name, whereabouts(error))
        correlation = f"spotler-{name}"
        if record_id_of(contact) is None:
            try:
                text = error.summary if isinstance(error, DataError) else TEXTS[Reason.DEFECT]
                await self._new_subscribers.refuse(contact, text=text, correlation=correlation)
            except ConnectorError:
                raise
            except Exception as second:  # noqa: BLE001  # the same contact breaks the review as well
                log.error("no review can be made of it: %s", whereabouts(second))  # noqa: TRY400  # its text may quote
            else:
                handled.reviews += 1
                return
        users = await self._ledger.users_of(contact.external_id) if record_id_of(contact) is not None else {}
        references = [Reference(key, Why.PLATFORM, correlation) for key in sorted(users)]
        await self._queue.dead_letter(
            QueueName.LIVE,
            references_body(references) if references else b"",
            reason=Reason.DEFECT,
            description=LetterText.SUBSCRIBER(contact=str(name), text=TEXTS[Reason.DEFECT]),
            correlation_id=correlation,
        )

    async def _import_page(
        self, contacts: Sequence[MarketingContact], handled: PageCounts, lane: QueueName
    ) -> frozenset[RecordKey]:
        """Import new subscribers; returns the records about which a person must decide first."""
        correlation = correlation_of(contacts[-1])
        imported = await self._new_subscribers.import_page(contacts, correlation=correlation)
        handled.reviews += sum(1 for one in imported if one.is_asked)
        keys = dict.fromkeys(one.key for one in imported if one.key is not None)
        references = [Reference(key, Why.PLATFORM, correlation) for key in keys]
        handled.count(await self._people.handle(references, lane=lane))
        return frozenset(key for one in imported for key in one.candidates) - keys.keys()

    async def _changed(
        self,
        contacts: Mapping[str, MarketingContact],
        at: datetime,
        handled: PageCounts,
        doubts: Callable[[str], bool],
        *,
        compares: bool,
    ) -> tuple[list[Reference], dict[RecordKey, FetchedContact]]:
        catalogue = await self._platform.properties()
        known = await self._ledger.contacts(contacts)
        entries = await self._ledger.entries({key for one in known.values() for key in one.users})
        references: list[Reference] = []
        fetched_contacts: dict[RecordKey, FetchedContact] = {}
        unbound: dict[UUID, MarketingContact] = {}
        for external_id, contact in contacts.items():
            bound = [key for key in known[external_id].users if entries[key].binding.uses(external_id)]
            if not bound:
                unbound[UUID(external_id)] = contact
                continue
            near = {key: known[external_id].sharing_records_of(key) for key in bound}
            # A claim that a dead worker left is released by the engine, even if contact and record agree.
            is_doubtful = doubts(external_id) or known[external_id].base_state is BaseState.NOTHING
            moved = [
                key for key in bound if is_doubtful or self._has_news(contact, key, entries[key], near[key], catalogue)
            ]
            handled.seen[ChangeKind.CHANGED if moved else ChangeKind.ECHO] += 1
            handled.echoes |= frozenset[str]() if moved else {external_id}
            if compares and contact.is_readable:
                handled.divergences.update(
                    {kind for key in bound for kind in self._kinds(contact, key, entries[key], near[key], catalogue)}
                )
            references += [Reference(key, Why.PLATFORM, correlation_of(contact)) for key in moved]
            if contact.is_readable:
                fetched_contacts |= {key: FetchedContact(contact, at) for key in moved}
        return [*references, *await self._unbound(unbound, handled)], fetched_contacts

    async def _unbound(self, contacts: Mapping[UUID, MarketingContact], handled: PageCounts) -> list[Reference]:
        """Find records of contacts without a binding: the state was lost, or another program made the contacts."""
        tables = [table for table in PersonTable if table in self._rules.enabled_tables]
        keys = [RecordKey(table, identifier) for identifier in contacts for table in tables]
        found = await self._crm.read_people(keys) if keys else {}
        counts = {ChangeKind.CHANGED: len(found), ChangeKind.UNKNOWN: len(contacts) - len(found)}
        handled.seen.update({what: count for what, count in counts.items() if count})
        return [Reference(key, Why.PLATFORM, correlation_of(contacts[key.id])) for key in found]

    def _has_news(
        self,
        contact: MarketingContact,
        key: RecordKey,
        entry: Entry,
        sharing_records: SharingRecords,
        catalogue: PropertyCatalogue,
    ) -> bool:
        """Whether a record must be synchronised. If the check itself fails, the engine gets the record."""
        if not contact.is_readable:
            return True
        try:
            rules = rules_of(key.table, sharing_records, self._rules)
            return not is_echo(contact, key, entry.binding, rules, catalogue)
        except Exception as error:  # noqa: BLE001  # one contact must not block the poll
            log.error("%s broke the comparison: %s", key, whereabouts(error))  # noqa: TRY400  # its text may quote
            return True

    def _kinds(
        self,
        contact: MarketingContact,
        key: RecordKey,
        entry: Entry,
        sharing_records: SharingRecords,
        catalogue: PropertyCatalogue,
    ) -> frozenset[Divergence]:
        rules = rules_of(key.table, sharing_records, self._rules)
        return divergences(contact, key, entry.binding, rules, catalogue)


def newest(contacts: Sequence[MarketingContact]) -> list[MarketingContact]:
    """Return the last state of each contact."""
    latest: dict[str, MarketingContact] = {}
    for contact in contacts:
        name = contact.encrypted_id or contact.external_id or address_key(str(contact.properties.get(EMAIL, "")))
        known = latest.get(name)
        if known is None or not (
            known.last_changed and contact.last_changed and known.last_changed > contact.last_changed
        ):
            latest[name] = contact
    return list(latest.values())


def known_and_new(contacts: Sequence[MarketingContact]) -> tuple[list[MarketingContact], list[MarketingContact]]:
    """Separate contacts that have an id of ours from contacts without a record."""
    known = [contact for contact in contacts if record_id_of(contact) is not None]
    return known, [contact for contact in contacts if record_id_of(contact) is None]
