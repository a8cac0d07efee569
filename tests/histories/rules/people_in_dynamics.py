"""What users do in Dynamics: every rule that changes a record also sends its event, as Dataverse does."""

from __future__ import annotations

from hypothesis import strategies as st

from shared.domain.mapping.reading import ORIGINATING_LEAD
from shared.domain.records.jobs import Operation
from shared.domain.records.records import Intent, PersonTable, RecordKey, Why
from tests.histories.acting import act
from tests.histories.picking import addresses, blanks, columns, permissions, pick_from, pick_two, picks, tables
from tests.histories.rules.deliveries import Deliveries
from tests.histories.stage import row_of
from tests.histories.world import COLUMNS, ELSEWHERE, FILTERED, MOBILE, NAMES, POST_CODE

MOST_RECORDS = 7


class PeopleInDynamics(Deliveries):
    """Users create, edit, refuse, leave, merge and qualify."""

    @act(
        lambda self: len(self.world.people()) < MOST_RECORDS,
        table=tables,
        address=addresses,
        newsletter=st.none() | st.booleans(),
        is_full=st.booleans(),
    )
    def create(self, table: PersonTable, address: str, *, newsletter: bool | None, is_full: bool) -> None:
        values = {column: self.fresh() for name, column in COLUMNS.items() if name == "firstName" or is_full}
        said = {} if newsletter is None else {"Newsletter": newsletter}
        key = self.do(self.world.create(table, {"emailaddress1": address, **values}, said))
        self.sharing.type(key, values)
        if is_full:
            self.edited_here |= {(key, name) for name in COLUMNS}
        if newsletter:  # a no that agrees with what is there already says nothing new
            self.consents.say(key, "permissions:1", newsletter, before=None)
        self.had(key, joins=True)
        self.tell(key)

    @act(lambda self: self.records(), pick=picks, name=columns, blank=blanks)
    def edit(self, pick: int, name: str, *, blank: bool) -> None:
        key = pick_from(self.records(), pick)
        value = self.fresh(blank=blank and name != "firstName")
        self.do(self.world.edit(key, **{COLUMNS[name]: value}))
        self.sharing.type(key, {COLUMNS[name]: value})
        self.edited_here.add((key, name))
        self.tell(key)

    @act(
        lambda self: self.records(),
        pick=picks,
        fits=st.booleans(),
        column=st.sampled_from([POST_CODE, POST_CODE, MOBILE]),
    )
    def format(self, pick: int, column: str, *, fits: bool) -> None:
        """Type a post code or a number, which perhaps does not fit."""
        key = pick_from(self.records(), pick)
        self.erasures.touch(self.address(key))
        fitting = {POST_CODE: "1234 AB", MOBILE: "0612345678"}[column]
        self.do(self.world.edit(key, **{column: fitting if fits else "nowhere"}))
        self.tell(key)

    @act(lambda self: self.records(), pick=picks, passes=st.booleans())
    def move_country(self, pick: int, *, passes: bool) -> None:
        """Change what a filter looks at."""
        key = pick_from(self.records(), pick)
        self.had(key)
        self.do(self.world.edit(key, **{FILTERED: "Here" if passes else ELSEWHERE}))
        self.had(key, joins=True)
        self.tell(key)

    @act(lambda self: self.records(), pick=picks, address=st.none() | addresses | addresses)
    def change_address(self, pick: int, address: str | None) -> None:
        key = pick_from(self.records(), pick)
        self.had(key)
        self.do(self.world.edit(key, emailaddress1=address))
        self.had(key, joins=True)
        self.tell(key)

    @act(
        lambda self: self.records(),
        pick=picks,
        column=st.sampled_from(["donotemail", "donotbulkemail"]),
        value=st.booleans(),
    )
    def set_preference(self, pick: int, column: str, *, value: bool) -> None:
        key = pick_from(self.records(), pick)
        self.do(self.world.edit(key, **{column: value}))
        self.had(key, joins=True)
        self.tell(key)

    @act(lambda self: self.records(), pick=picks, name=permissions, on=st.booleans())
    def permit(self, pick: int, name: str, *, on: bool) -> None:
        key = pick_from(self.records(), pick)
        self.consents.say(key, name, on, before=row_of(self.world.people()[key], name))
        self.refusals.ticks(key, self.address(key), name, on=on)
        self.do(self.world.permit(key, NAMES[name], subscribed=on))
        self.had(key)
        self.tell(key, why=Why.PERMISSION)

    @act(lambda self: self.with_rows(), pick=picks, name=permissions)
    def remove_row(self, pick: int, name: str) -> None:
        key = pick_from(self.with_rows(), pick)
        self.erasures.touch(self.address(key))
        self.consents.remove(key, name, before=row_of(self.world.people()[key], name))
        self.refusals.ticks(key, self.address(key), name, on=False)
        self.do(self.world.remove_permission(key, NAMES[name]))
        self.tell(key, why=Why.PERMISSION)

    def with_rows(self) -> list[RecordKey]:
        return [key for key in self.records() if self.world.people()[key].permissions]

    @act(lambda self: self.deletable(), pick=picks)
    def delete(self, pick: int) -> None:
        key = pick_from(self.deletable(), pick)
        self.erasures.touch(self.address(key))
        self.do(self.world.delete(key))
        self.sharing.regroup()
        self.tell(key, why=Why.DELETED)

    def deletable(self) -> list[RecordKey]:
        """A contact without a binding must stay: only it shows that its lead's contact has a successor."""
        known = {key.row for key in self.twin.store.documents if key.partition == "test-binding"}
        return [
            key
            for key, record in self.world.people().items()
            if record.values.get(ORIGINATING_LEAD) is None or str(key) in known
        ]

    @act(lambda self: self.records(), pick=picks)
    def deactivate(self, pick: int) -> None:
        key = pick_from(self.records(), pick)
        self.erasures.touch(self.address(key))
        self.do(self.world.deactivate(key))
        self.sharing.regroup()
        self.tell(key)

    @act(lambda self: self.records(active=False), pick=picks)
    def activate(self, pick: int) -> None:
        key = pick_from(self.records(active=False), pick)
        self.do(self.world.activate(key))
        self.had(key, joins=True)
        self.tell(key)

    @act(lambda self: len(self.of(PersonTable.CONTACT)) > 1, pick=picks, other=picks, takes_address=st.booleans())
    def merge(self, pick: int, other: int, *, takes_address: bool = False) -> None:
        """Merge two contacts; whoever does so may choose the address of the one that goes."""
        master, subordinate = pick_two(self.of(PersonTable.CONTACT), pick, other)
        self.merge_into(master, subordinate, takes_address=takes_address)

    def merge_into(self, master: RecordKey, subordinate: RecordKey, *, takes_address: bool) -> None:
        self.had(master)
        self.erasures.touch(self.address(subordinate))
        self.do(self.world.merge(master, subordinate))
        self.addresses.setdefault(master, set()).update(
            self.addresses.get(subordinate, ()), [self.address(subordinate)]
        )
        if takes_address:
            self.do(self.world.edit(master, emailaddress1=self.address(subordinate) or None))
        self.had(master, joins=True)  # rows of the subordinate are the master's now
        self.tell(master, subordinate, why=Why.MERGED)

    @act(lambda self: self.of(PersonTable.LEAD), pick=picks, address=st.none() | addresses)
    def qualify(self, pick: int, address: str | None) -> None:
        lead = pick_from(self.of(PersonTable.LEAD), pick)
        self.erasures.touch(self.address(lead))
        contact = self.do(self.world.qualify(lead))
        self.consents.inherit(lead, contact)
        self.sharing.inherit(lead, contact)
        self.edited_here |= {(contact, name) for name in COLUMNS}
        self.addresses[contact] = {self.address(lead), *self.addresses.get(lead, ())}
        if address is not None:
            self.do(self.world.edit(contact, emailaddress1=address))
        self.had(contact, joins=True)
        self.tell(lead)
        self.tell(contact)
        self.tell(lead, contact, why=Why.QUALIFIED)

    def of(self, table: PersonTable) -> list[RecordKey]:
        return [key for key in self.records() if key.table is table]

    @act(lambda self: self.records(), pick=picks)
    def anonymize(self, pick: int) -> None:
        """A job asks for it; what comes later makes the contact anew (DEL-08)."""
        key = pick_from(self.records(), pick)
        self.on_request.add(key)
        self.had(key, joins=True)
        self.tell_of_job(key, Operation.ANONYMIZE_CONTACT, Intent.ANONYMIZE)
