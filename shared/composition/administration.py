"""Wires what administrators, monitors and the nightly clean-up call."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.adapters.dataverse.records.person_reader import PersonReader
from shared.administration.account_forecast import AccountForecasts
from shared.administration.health import Health
from shared.administration.measures.monitor import Monitor
from shared.administration.measures.round_trip import RoundTrip
from shared.administration.mode import rested
from shared.administration.people.choices import Choices
from shared.administration.people.standing import Standings
from shared.administration.preview import Preview
from shared.administration.schema_drift import Drift
from shared.composition.services import Services
from shared.composition.wiring import Connector
from shared.consent.refusal_recovery import RefusalRecovery
from shared.dispatch.mode_changes import ModeChanges
from shared.dispatch.shadow import Shadow
from shared.domain.planning.rules import Rules
from shared.privacy.housekeeping import Housekeeping
from shared.privacy.person_data import PersonData


@dataclass(frozen=True, slots=True)
class Administration:
    """The use cases of administration and privacy around one version of the mapping."""

    preview: Preview
    drift: Drift
    health: Health
    monitor: Monitor
    housekeeping: Housekeeping
    person_data: PersonData
    standings: Standings
    account_forecasts: AccountForecasts
    choices: Choices
    shadow: Shadow
    mode_changes: ModeChanges
    round_trip: RoundTrip
    refusal_recovery: RefusalRecovery


def administer(services: Services, connector: Connector, rules: Rules) -> Administration:
    """Wire administration around a connector."""
    settings, clock, store, queue = services.settings, services.clock, services.store, services.queue
    crm, platform, ledger = connector.crm, services.platform, connector.ledger
    pings = {"dataverse": crm.ping, "spotler": platform.ping, "state": store.ping, "queue": queue.ping}

    drift = Drift(
        mapping_validator=services.mapping_validator,
        mapping=rules.mapping,
        store=store,
        clock=clock,
        environment=settings.environment,
    )
    reader = PersonReader(services.dataverse, services.schema, rules.mapping, settings.sync_tables)
    shadow = Shadow(
        preview=connector.preview,
        forecasts=connector.forecasts,
        crm=crm,
        walks=connector.resync.walks,
        lanes=connector.lanes,
        redelivery=connector.resync.redelivery,
        store=store,
        clock=clock,
        environment=settings.environment,
    )

    standings = Standings(store=store, clock=clock, environment=settings.environment)

    async def mode() -> str:
        return (await services.modes.current()).mode

    async def polled_until() -> datetime | None:
        return None if await services.modes.polling_rests() else await connector.poll.cursor()

    def resting(state: Callable[[], Awaitable[dict[str, Any]]]) -> Callable[[], Awaitable[dict[str, Any]]]:
        async def as_rest() -> dict[str, Any]:
            return rested(await state()) if await services.modes.polling_rests() else await state()

        return as_rest

    return Administration(
        preview=connector.preview,
        drift=drift,
        health=Health(
            pings=pings,
            platform=platform,
            queue=queue,
            rules=rules,
            drift=drift,
            clock=clock,
            circuits=connector.circuits.state,
            states={
                "mode": mode,
                "jobs": connector.job_sweep.state,
                "capabilities": services.capabilities.states,
                "permissions": connector.permission_names.state,
                "permissionsVariable": services.permissions_variable.state,
                "poll": resting(connector.poll.state),
                "reconciliation": connector.reconciliation.state,
                "comparison": connector.comparison.state,
                "brake": connector.brake.state,
                "engagement": resting(connector.engagement.state),
            },
            refused_tables=reader.refused_tables,
        ),
        monitor=Monitor(
            pings=pings,
            queue=queue,
            clock=clock,
            polled_until=polled_until,
            held=connector.brake.measure,
            circuits=connector.circuits.measure,
            import_waits_since=connector.poll.import_waits_since,
        ),
        housekeeping=Housekeeping(
            store=store,
            queue=queue,
            platform=platform,
            clock=clock,
            environment=settings.environment,
            retention=settings.state_retention,
        ),
        person_data=PersonData(
            store=store,
            ledger=ledger,
            suppressions=connector.suppressions,
            consents=services.consent,
            erased=services.erased_consent,
            crm=crm,
            interactions=services.interaction_rows,
            scores=services.score_rows,
            queue=queue,
            rules=rules,
            clock=clock,
            environment=settings.environment,
        ),
        standings=standings,
        account_forecasts=AccountForecasts(
            compared=connector.comparison.runs, standings=standings, target=settings.new_subscriber_target
        ),
        choices=Choices(crm=crm, platform=platform, ledger=ledger, lanes=connector.lanes, rules=rules),
        shadow=shadow,
        round_trip=RoundTrip(
            marked=services.marked_records,
            platform=platform,
            ledger=ledger,
            mapping=rules.mapping,
            store=store,
            clock=clock,
            environment=settings.environment,
            record=settings.round_trip_record,
            column=settings.round_trip_column,
        ),
        mode_changes=ModeChanges(services.modes, connector.reconciliation, shadow, connector.forecasts),
        refusal_recovery=RefusalRecovery(
            crm=crm,
            feeds=services.feeds,
            ledger=ledger,
            suppressions=connector.suppressions,
            consents=services.consent,
            rules=rules,
            clock=clock,
        ),
    )
