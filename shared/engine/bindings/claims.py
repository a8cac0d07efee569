"""What one pass of the engine holds: claims on contacts, and the versions of the bindings that it may write."""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace
from uuid import uuid4

from shared.domain.planning.binding import Binding
from shared.domain.planning.plan_input import BaseState
from shared.domain.records.outcomes import Outcome, Reason, Result
from shared.domain.records.records import RecordKey
from shared.engine.bindings.binding_documents import BindingUpdate, Entry
from shared.engine.bindings.claim_deadline import ClaimDeadline
from shared.engine.bindings.contact_documents import HeldContact
from shared.engine.bindings.ledger import Ledger


class Claims:
    """Claims contacts until `expiry`, and writes bindings unless another worker has written them meanwhile.

    A contact is written when its claim is released. All methods raise ConnectorErrors of the state store.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.expiry = ledger.expiry()
        self._contacts: dict[str, HeldContact] = {}
        self._versions: dict[RecordKey, str] = {}
        self._free_addresses: set[str] = set()

    @property
    def deadline(self) -> ClaimDeadline:
        """The time for calls about the claimed contacts."""
        return self._ledger.deadline(self.expiry)

    def hold(self, external_id: str) -> bool:
        """Whether this pass holds a contact."""
        return external_id in self._contacts

    def new_contact(self) -> str:
        """Return the external id of a contact that is to be made."""
        return str(uuid4())

    async def claim(
        self, external_ids: Iterable[str], *, new: AbstractSet[str] = frozenset()
    ) -> dict[str, HeldContact]:
        """Claim contacts; those that another worker holds are missing in the answer. `new` are not read first."""
        claimed = await self._ledger.claim(external_ids, new=new)
        self._contacts |= claimed
        return claimed

    def change(self, contacts: Iterable[HeldContact]) -> None:
        """Take what `release` is to write of claimed contacts."""
        self._contacts |= {one.external_id: one for one in contacts}

    async def keep_successions(self, external_ids: Iterable[str]) -> None:
        """Write the `succession` of these contacts now. Claims stay."""
        contacts = [self._contacts[one] for one in external_ids]
        self.change(await self._ledger.keep_successions(contacts))

    def doubt(self, external_ids: Iterable[str]) -> None:
        """Leave contacts in doubt at the release."""
        self.change([replace(self._contacts[one], base_state=BaseState.NOTHING) for one in external_ids])

    def note_free(self, addresses: Iterable[str]) -> None:
        """Note addresses (fingerprints) that no contact has; `reserve` does not read them again."""
        self._free_addresses.update(addresses)

    async def reserve(self, addresses: Mapping[str, str]) -> set[str]:
        """Give addresses (fingerprints) to claimed contacts (external ids); return the addresses that were lost."""
        return await self._ledger.reserve(addresses, held=self._contacts, free=self._free_addresses)

    def note_versions(self, entries: Mapping[RecordKey, Entry]) -> None:
        """Note the versions of bindings that this pass may write. A version that was read or written before counts."""
        for key, entry in entries.items():
            self._versions.setdefault(key, entry.etag)

    async def save(self, updates: Mapping[RecordKey, BindingUpdate], freed: Iterable[str] = ()) -> frozenset[RecordKey]:
        """Save bindings and free addresses; return the records that another worker has written meanwhile."""
        return await self._ledger.save(updates, freed, self._versions)

    async def record_intents(self, bindings: Mapping[RecordKey, tuple[Binding, str]]) -> frozenset[RecordKey]:
        """Save what is about to be sent (`Binding.write_intents`), each with a correlation id.

        A worker that takes over after a crash needs it. Nothing may be sent for the returned records: another worker
        has written them meanwhile.
        """
        return await self.save(
            {
                key: BindingUpdate(binding, Outcome(key, Result.WAITING, Reason.BUSY), correlation)
                for key, (binding, correlation) in bindings.items()
            }
        )

    async def release(self) -> None:
        """Write the contacts and let go of them."""
        await self._ledger.release(list(self._contacts.values()))

    async def abandon(self) -> None:
        """Let go of the contacts and leave them in doubt: nobody knows what was written."""
        await self._ledger.abandon(list(self._contacts.values()))


class ReadOnlyClaims(Claims):
    """Shows what a pass would start from, without claiming or writing anything. Every base counts as trusted."""

    def __init__(self, ledger: Ledger) -> None:
        super().__init__(ledger)
        self._new_contact = super().new_contact()

    def new_contact(self) -> str:
        """Return an external id that no contact is going to have."""
        return self._new_contact

    def known(self, external_id: str) -> str:
        """Return the external id, empty if the contact is still to be made."""
        return "" if external_id == self._new_contact else external_id

    async def claim(
        self,
        external_ids: Iterable[str],
        *,
        new: AbstractSet[str] = frozenset(),  # noqa: ARG002
    ) -> dict[str, HeldContact]:
        """Read contacts as if they were claimed."""
        contacts = await self._ledger.contacts(external_ids)
        return {one: replace(contact, base_state=BaseState.BASE) for one, contact in contacts.items()}

    async def save(
        self,
        updates: Mapping[RecordKey, BindingUpdate],  # noqa: ARG002
        freed: Iterable[str] = (),  # noqa: ARG002
    ) -> frozenset[RecordKey]:
        """Save nothing."""
        return frozenset()

    def change(self, contacts: Iterable[HeldContact]) -> None:
        """Change nothing."""
