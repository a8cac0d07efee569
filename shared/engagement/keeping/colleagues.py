"""Finds clicks at which colleagues clicked, too: a company's scanner follows the links of all mail that it gets.

The address of a person is read from Dataverse when a click of theirs becomes known. Of it, the state gets a fingerprint
of the domain that differs in every mailing.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from shared.domain.engagement.machines import MachineRules, TimedClick, clicks_of_colleagues
from shared.domain.mapping.model import Mapping as FieldMapping
from shared.domain.planning.conditions import email_of
from shared.domain.records.fingerprints import Fingerprinter
from shared.domain.records.records import RecordKey
from shared.domain.values.addresses import domain_key
from shared.domain.values.free_mail import FreeMail
from shared.engagement.keeping.recent_clicks import MailingDomain, RecentClicks
from shared.ports.dataverse import PeopleReading


@dataclass(frozen=True, slots=True)
class NewClicks:
    """Clicks of one person in one mailing that were not known before."""

    external_id: str
    record: RecordKey
    mailing: str
    times: frozenset[datetime]


@dataclass(frozen=True, slots=True)
class Compared:
    """`suspect` are the suspect times by person and mailing, also those of colleagues who clicked earlier."""

    suspect: Mapping[str, Mapping[str, frozenset[datetime]]] = field(default_factory=dict)
    clicks: Mapping[MailingDomain, set[TimedClick]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Colleagues:
    """Compares clicks of one environment. `mapping` names the columns with addresses, `people` reads them."""

    clicks: RecentClicks
    people: PeopleReading
    mapping: FieldMapping
    fingerprints: Fingerprinter
    free_mail: FreeMail
    rules: MachineRules

    async def compare(self, new: Sequence[NewClicks]) -> Compared:
        """Store new clicks, and judge them with all that are known around them. Repeating it gives the same."""
        domains = await self._domains({one.record for one in new})
        by_domain: defaultdict[MailingDomain, set[TimedClick]] = defaultdict(set)
        for one in new:
            if domain := domains.get(one.record):
                recipients = MailingDomain(one.mailing, self.fingerprints.domain(one.mailing, domain))
                by_domain[recipients].update((at, one.external_id) for at in one.times)
        if not by_domain:
            return Compared()
        known = await self.clicks.add(by_domain, around=self.rules.colleagues_within)
        found: defaultdict[str, defaultdict[str, frozenset[datetime]]] = defaultdict(lambda: defaultdict(frozenset))
        for recipients, clicks in known.items():
            for person, times in clicks_of_colleagues(clicks, self.rules).items():
                found[person][recipients.mailing] |= times
        return Compared({person: dict(mailings) for person, mailings in found.items()}, known)

    async def settle(self, compared: Compared) -> None:
        """Call it once what was found is remembered of each person: then dense clicks need not be kept one by one."""
        await self.clicks.thin_out(compared.clicks)

    async def _domains(self, records: set[RecordKey]) -> dict[RecordKey, str]:
        """Return the domains of companies; people without an address, and those of free mail services, are left out."""
        people = await self.people.read(sorted(records)) if records else {}
        domains = {key: domain_key(email_of(one, self.mapping.for_table(key.table))) for key, one in people.items()}
        return {key: domain for key, domain in domains.items() if domain and not self.free_mail.has(domain)}
