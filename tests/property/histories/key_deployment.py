"""What the tests of key changes share: a state store, processes with the keys of their time, and documents."""

from __future__ import annotations

from shared.adapters.storage.keys.key_register import ConfiguredKeys, KeyRegister
from shared.adapters.storage.keys.key_ring import version_of
from shared.adapters.storage.keys.rekey import Rekeying
from shared.adapters.storage.keys.sealed import SealedStore
from shared.domain.consent.changes import OPT_OUT, ConsentSource
from shared.domain.consent.suppression import AddressRefusal
from shared.domain.planning.binding import Binding
from shared.domain.records.fingerprint_places import fingerprint_places
from shared.domain.records.fingerprints import Fingerprinter
from shared.domain.records.outcomes import Outcome, Reason, Result
from shared.domain.records.records import RecordKey
from shared.engine.bindings.binding_documents import BindingUpdate
from shared.engine.bindings.ledger import Ledger
from shared.engine.refusals.suppression_list import SuppressionList
from shared.ports.state import Document
from tests.contract.clocks import ManualClock
from tests.twins import TwinStore

PLACES = fingerprint_places("test")
ADDRESSES = [f"somebody{number}@example.nl" for number in range(6)]
RECORDS = [f"contact:00000000-0000-0000-0000-00000000000{number}" for number in range(4)]
KEY = RecordKey.parse(RECORDS[1])
CONTACT = str(KEY.id)


def key_of(generation: int) -> bytes:
    return f"key number {generation} of this deployment".encode()


class Deployment:
    """A state store, and processes that were started with the keys of their time."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.store = TwinStore()
        self.generation = 1
        self.process = self.start()
        self.former: Process | None = None
        self.refused: set[tuple[str, str, str]] = set()

    def start(self) -> Process:
        previous = key_of(self.generation - 1) if self.generation > 1 else b""
        return Process(self, ConfiguredKeys(key_of(self.generation), previous))

    def stored(self) -> list[Document]:
        return [one for key, one in self.store.documents.items() if key.partition in PLACES]

    def versions(self) -> set[int | None]:
        places = ((PLACES[one.key.partition], one) for one in self.stored())
        return {version_of(text) for place, one in places for text in place.prints(one.key.row, one.body)} - {None}


class Process:
    """What one process makes of the store."""

    def __init__(self, deployment: Deployment, keys: ConfiguredKeys) -> None:
        clock = deployment.clock
        self.register = KeyRegister(deployment.store, clock, "test", keys)
        self.store = SealedStore(deployment.store, self.register, PLACES)
        self.suppressions = SuppressionList(self.store, clock, "test")
        self.ledger = Ledger(self.store, clock, "test")
        self.rekeying = Rekeying(deployment.store, self.register, PLACES, clock, "test", page=2)

    async def prints(self) -> Fingerprinter:
        return await self.register.fingerprinter()


async def rekey(process: Process, clock: ManualClock, *, steps: int = 10_000) -> bool:
    for _ in range(steps):
        progress = await process.rekeying.step()
        if progress.is_done:
            return True
        clock.advance(progress.wait)
    return False


async def documents_of_today(world: Deployment) -> Fingerprinter:
    """Write what the version without keys in a register writes: plain fingerprints."""
    prints = Fingerprinter(key_of(1))
    given = {f"permissions:{number}": number % 2 == 0 for number in range(1, 11)}
    base = prints.values(CONTACT, {"city": "Delft", **given})
    binding = Binding(CONTACT, is_live=True, base=base, address=prints.address(ADDRESSES[0]))
    ledger = Ledger(world.store, world.clock, "test")
    await ledger.reserve({prints.address(ADDRESSES[0]): CONTACT}, held=())
    await ledger.save({KEY: BindingUpdate(binding, Outcome(KEY, Result.WRITTEN, Reason.CREATED), "")}, (), {KEY: ""})
    refusal = AddressRefusal(OPT_OUT, world.clock.now(), ConsentSource.PLATFORM_OPT_OUT)
    await SuppressionList(world.store, world.clock, "test").record({prints.address(ADDRESSES[0]): [refusal]})
    return prints


async def knows_everything(process: Process, prints: Fingerprinter) -> None:
    assert (await process.suppressions.at([prints.address(ADDRESSES[0])]))[prints.address(ADDRESSES[0])].has_opted_out
    binding = (await process.ledger.entries([KEY]))[KEY].binding
    assert binding.base["city"] == prints.value(CONTACT, "city", "Delft")
    assert binding.address == prints.address(ADDRESSES[0])
    assert (await process.ledger.owners_of([binding.address]))[binding.address].contact == CONTACT
