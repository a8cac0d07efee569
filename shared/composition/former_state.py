"""Opens what a replaced state table has of consent, for the recovery after a restore."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from shared.adapters.storage.keys.key_register import KeyRegister
from shared.adapters.storage.keys.sealed import SealedStore
from shared.composition.connections import fingerprint_keys, state_store
from shared.composition.settings import Settings
from shared.consent.audit_ledger import ConsentLedger
from shared.consent.refusal_recovery import FormerState
from shared.domain.records.fingerprint_places import fingerprint_places
from shared.engine.refusals.suppression_list import SuppressionList
from shared.errors import ConfigurationError
from shared.ports.clock import Clock


@asynccontextmanager
async def former_state(settings: Settings, table: str | None, clock: Clock) -> AsyncIterator[FormerState | None]:
    """Open a former state table; None without a name. ConfigurationError if it is the present one."""
    if not table:
        yield None
        return
    if not settings.uses_azure_tables or table == settings.state_table:
        raise ConfigurationError("The former state is another table of the storage account than STATE_TABLE")
    plain, environment = state_store(settings.model_copy(update={"state_table": table}), clock), settings.environment
    keys = KeyRegister(plain, clock, environment, fingerprint_keys(settings))
    store = SealedStore(plain, keys, fingerprint_places(environment))
    try:
        yield FormerState(SuppressionList(store, clock, environment), ConsentLedger(store, clock, environment))
    finally:
        await plain.close()
