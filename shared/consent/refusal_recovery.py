"""Enters the refusals that a restored state has forgotten, before anything is written (docs/howto/deploy.md).

A restored state is that of its backup. Of the refusals since then, both sides still show some: an existing record has
its columns, an existing contact its permissions and its opt-out. The others are entered here:

- those of the columns of existing records, which may have no contact;
- those of the former state, where it can still be read, with its consent ledger;
- without it, one at each address of the backup that no contact has any more: it was erased since then, and nobody can
  tell what the person had refused. An administrator lifts it, or the person comes back in the platform.

What this cannot find: a person who was entered, refused and was erased after the backup, without the former state.
"""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.consent.audit_ledger import ConsentLedger
from shared.domain.consent.changes import BULK_EMAIL, OPT_OUT, ConsentSource
from shared.domain.consent.refusal_changes import refusals_of_columns
from shared.domain.consent.suppression import ALL_PERMISSIONS, AddressRefusal
from shared.domain.mapping.model import EMAIL
from shared.domain.planning.binding import MailStatus
from shared.domain.planning.conditions import email_of
from shared.domain.planning.rules import Rules
from shared.domain.records.records import PersonTable, RecordKey
from shared.domain.values.moments import EARLIEST
from shared.domain.values.values import is_email
from shared.engine.bindings.ledger import Ledger
from shared.engine.refusals.suppression_list import SuppressionList
from shared.ports.clock import Clock
from shared.ports.dataverse import Crm
from shared.ports.marketing_platform import ContactFeeds

_PAGE = 500


@dataclass(frozen=True, slots=True)
class FormerState:
    """What a state that was replaced had kept of consent."""

    suppressions: SuppressionList
    consents: ConsentLedger


@dataclass(frozen=True, slots=True)
class Recovered:
    """At how many addresses refusals were entered: of columns, of the former state, of contacts that are gone."""

    columns: int
    former: int = 0
    erased: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusalRecovery:
    """Reads both sides and the former state, and writes the suppression list and the consent ledger alone."""

    crm: Crm
    feeds: ContactFeeds
    ledger: Ledger
    suppressions: SuppressionList
    consents: ConsentLedger
    rules: Rules
    clock: Clock

    async def recover(self, former: FormerState | None) -> Recovered:
        """Enter all of them; repeatable. `former` must be whole. Raises ConnectorErrors."""
        columns = sum([await self._columns(table) for table in sorted(self.rules.enabled_tables)])
        if former is not None:
            return Recovered(columns, former=await self._take_over(former))
        return Recovered(columns, erased=await self._erased())

    async def _take_over(self, former: FormerState) -> int:
        count = 0
        async for page in former.suppressions.everything():
            found = {
                address: [one for one in suppression.refusals if one.is_active] for address, suppression in page.items()
            }
            count += await self._enter(found)
        async for changes in former.consents.export(since=await self._newest_consent()):
            await self.consents.record(changes)
        return count

    async def _newest_consent(self) -> datetime | None:
        newest = None
        async for changes in self.consents.export():
            newest = max([change.at for change in changes], default=newest)
        return newest

    async def _columns(self, table: PersonTable) -> int:
        count, after = 0, None
        while True:
            page = await self.crm.people_page(table, after=after, limit=_PAGE)
            count += await self._enter(await self._refused_by_columns(table, page.keys))
            if (after := page.after) is None:
                return count

    async def _refused_by_columns(
        self, table: PersonTable, keys: Sequence[RecordKey]
    ) -> Mapping[str, Sequence[AddressRefusal]]:
        rows = self.rules.mapping.for_table(table)
        people, entries = await self.crm.read_people(keys), await self.ledger.entries(keys)
        found: dict[str, list[AddressRefusal]] = {}
        for key, record in people.items():
            email, binding = email_of(record, rows), entries[key].binding
            if not is_email(email):
                continue
            address = self.rules.fingerprints.address(email)
            follows = binding.mail_status is MailStatus.OPTED_OUT_HERE and binding.address == address
            refusals = [
                one
                for one in refusals_of_columns(record, key, self.clock.now())
                if not (follows and one.subject == BULK_EMAIL)  # it goes with the opt-out, which the list has (OPT-07)
            ]
            found.setdefault(address, []).extend(refusals)
        return found

    async def _erased(self) -> int:
        """Refuse mail at each address of the backup that no contact has any more."""
        there: set[str] = set()
        async for contacts in self.feeds.updated_contacts(EARLIEST, self.clock.now()):
            emails = [str(contact.properties.get(EMAIL, "")) for contact in contacts]
            there |= {self.rules.fingerprints.address(email) for email in emails if email}
        count = 0
        async for addresses in _portions(self.ledger.live_addresses()):
            known = await self.suppressions.at(set(addresses) - there)
            refusal = AddressRefusal(BULK_EMAIL, self.clock.now(), ConsentSource.RESTORED)
            silent = {address for address, one in known.items() if not one.subjects & {OPT_OUT, *ALL_PERMISSIONS}}
            count += await self._enter(dict.fromkeys(silent, (refusal,)))
        return count

    async def _enter(self, found: Mapping[str, Sequence[AddressRefusal]]) -> int:
        refusals = {address: several for address, several in found.items() if several}
        if refusals:
            await self.suppressions.record(refusals)
        return len(refusals)


async def _portions(addresses: AsyncIterator[str]) -> AsyncIterator[Collection[str]]:
    portion: set[str] = set()
    async for address in addresses:
        portion.add(address)
        if len(portion) == _PAGE:
            yield portion
            portion = set()
    yield portion
