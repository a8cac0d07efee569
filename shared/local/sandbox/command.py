"""Serves both simulated services in one process and prints their addresses: `python -m shared sandbox`."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx

from shared.composition.connections import SystemClock, message_queue
from shared.composition.first_mapping import DEFAULT_MAPPING, load_mapping
from shared.composition.settings import Settings, load_settings
from shared.domain.mapping.reading import reading_of
from shared.domain.records.records import PersonTable
from shared.local import spotler_sandbox
from shared.local.dataverse_sandbox.http.app import DataverseSandboxSettings, create_app
from shared.local.dataverse_sandbox.http.faults import FaultKind, FaultPlan, FaultRule
from shared.local.dataverse_sandbox.metadata.packaged import SALES_TABLES
from shared.local.dataverse_sandbox.organisation.execution_context import ServiceEndpointMessage
from shared.local.dataverse_sandbox.organisation.privileges import Access, privilege
from shared.local.sandbox.addresses import (
    COLLEAGUE_CLIENT,
    COLLEAGUE_SECRET,
    CONNECTOR_CLIENT,
    CONNECTOR_SECRET,
    PEOPLE_CLIENT,
    PEOPLE_SECRET,
    SPOTLER_KEY,
    SPOTLER_SECRET,
    TENANT,
    Addresses,
)
from shared.local.sandbox.certificate import Certificate, self_signed_certificate
from shared.local.sandbox.customisation import check_snapshot, read_customisation
from shared.local.sandbox.installing import bring_in_rows, install
from shared.local.sandbox.people import people
from shared.local.sandbox.serving import serve
from shared.local.spotler_sandbox.account.contacts import OptOutUpsert
from shared.local.spotler_sandbox.http.settings import CURRENT_PREFIX
from shared.ports.queue import OutgoingMessage, Queue, QueueName

_CONNECTOR_PREFIX = "dh_"
_READS_PEOPLE = frozenset(
    privilege(access, table) for access in (Access.READ, Access.APPEND_TO) for table in PersonTable
)
"""The privileges that a Spotler User needs in addition to that role to create jobs about people."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the command."""
    parser.add_argument("--dataverse-port", type=int, default=0, help="port of the Web API (0: a free one)")
    parser.add_argument("--spotler-port", type=int, default=0, help="port of the Spotler API (0: a free one)")
    parser.add_argument("--people", type=int, default=300, help="how many people Dataverse begins with")
    parser.add_argument("--seed", type=int, default=1, help="the same number makes the same people")
    parser.add_argument("--latency", type=float, default=0.0, metavar="MS", help="milliseconds added to every answer")
    parser.add_argument(
        "--fault-rate", type=float, default=0.0, metavar="SHARE", help="share of requests to Dataverse that fail"
    )
    parser.add_argument(
        "--opted-out",
        type=OptOutUpsert,
        choices=list(OptOutUpsert),
        default=OptOutUpsert.ACCEPT_WITHOUT_REACTIVATION,
        help="what Spotler does with a write to a contact that has opted out",
    )
    parser.add_argument(
        "--professional", action="store_true", help="Spotler account of Mail+ Professional, which has no audiences"
    )
    parser.add_argument(
        "--customised",
        type=Path,
        metavar="FILE",
        help='columns, tables and properties on top of the default ones, as JSON: {"columns": {"contact.new_size": '
        '{"type": "Integer"}}, "tables": …, "duplicate_rules": …, "properties": {"size": {"type": "int"}}}',
    )
    beginning = parser.add_mutually_exclusive_group()
    beginning.add_argument("--bare", action="store_true", help="Dataverse in which the connector is not installed")
    beginning.add_argument(
        "--organisation",
        type=Path,
        metavar="FILE",
        help="begin with what another organisation had: its answer to GET /sandbox/snapshot",
    )
    parser.add_argument(
        "--sales",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="whether Dataverse has leads, marketing lists and campaigns",
    )
    parser.add_argument(
        "--languages",
        type=int,
        nargs="+",
        default=[1033],
        metavar="LCID",
        help="languages of Dataverse; the first one is the base language",
    )
    parser.add_argument("--tls", action="store_true", help="serve https with a certificate made on the spot")
    parser.add_argument("--json", action="store_true", help="print the addresses as one line of JSON")


async def run(options: argparse.Namespace) -> None:
    """Serve until a signal comes."""
    settings = load_settings()
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    settings.local_folder.mkdir(parents=True, exist_ok=True)
    tls = self_signed_certificate(settings.local_folder.absolute()) if options.tls else None
    queue = message_queue(settings, SystemClock())
    async with AsyncExitStack() as stack:
        stack.push_async_callback(queue.close)
        addresses = await _serve(stack, options, settings, queue, tls)
        _print_addresses(addresses, options)
        await stop.wait()


async def _serve(
    stack: AsyncExitStack, options: argparse.Namespace, settings: Settings, queue: Queue, tls: Certificate | None
) -> Addresses:
    own = read_customisation(options.customised)
    check_snapshot(options.organisation)

    async def publish(message: ServiceEndpointMessage) -> None:
        await queue.send(
            QueueName.EVENTS,
            [
                OutgoingMessage(
                    body=message.body,
                    content_type=message.content_type,
                    properties=message.properties,
                    message_id=message.message_id,
                    correlation_id=message.correlation_id,
                )
            ],
        )

    crm = create_app(
        DataverseSandboxSettings(
            clients={
                CONNECTOR_CLIENT: CONNECTOR_SECRET,
                PEOPLE_CLIENT: PEOPLE_SECRET,
                COLLEAGUE_CLIENT: COLLEAGUE_SECRET,
            },
            privileges={CONNECTOR_CLIENT: own.privileges, COLLEAGUE_CLIENT: _READS_PEOPLE},
            snapshot=options.organisation,
            filtering_columns=_filtering_columns(settings),
            changed_columns=own.columns,
            more_tables=own.tables,
            duplicate_rules=own.duplicate_rules,
            sales=options.sales,
            languages=tuple(options.languages),
        ),
        publish,
    )
    platform = spotler_sandbox.create_app(
        spotler_sandbox.SpotlerSandboxSettings(
            consumer_key=SPOTLER_KEY,
            consumer_secret=SPOTLER_SECRET,
            optout_upsert=options.opted_out,
            latency=timedelta(milliseconds=options.latency),
            audience_licence=not options.professional,
            catalogue=own.catalogue,
        )
    )
    crm_at = await stack.enter_async_context(serve(crm, port=options.dataverse_port, tls=tls))
    platform_at = await stack.enter_async_context(serve(platform, port=options.spotler_port, tls=tls))
    addresses = Addresses(
        dataverse_url=crm_at.url,
        dataverse_authority=crm_at.url,
        dataverse_tenant_id=TENANT,
        dataverse_client_id=CONNECTOR_CLIENT,
        dataverse_client_secret=CONNECTOR_SECRET,
        spotler_url=f"{platform_at.url}{CURRENT_PREFIX}",
        spotler_key=SPOTLER_KEY,
        spotler_secret=SPOTLER_SECRET,
        certificate=str(tls.chain) if tls else "",
    )
    if not options.bare and options.organisation is None:
        await install(addresses, os.environ)
    if options.people:
        await bring_in_rows(addresses, list(_fitting(people(options.people, options.seed), options)))
    await _set_faults(crm_at.url, options, tls)
    return addresses


def _filtering_columns(settings: Settings) -> dict[str, list[str]]:
    """Return the filtering columns: those that the mapping and the rules read (WF-06, MAP-35)."""
    mapping = load_mapping(settings.mapping_file or DEFAULT_MAPPING)
    return {str(table): sorted(reading_of(mapping, table).watched) for table in PersonTable}


def _fitting(
    rows: Iterable[tuple[str, Mapping[str, Any]]], options: argparse.Namespace
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the rows and values for which the organisation has tables and columns."""
    absent = frozenset() if options.sales else frozenset(SALES_TABLES)

    def is_absent(name: str) -> bool:
        return name in absent or (options.bare and name.startswith(_CONNECTOR_PREFIX))

    for table, values in rows:
        targets = {name: value[0] if isinstance(value, tuple) else "" for name, value in values.items()}
        if not is_absent(table) and not any(map(is_absent, filter(None, targets.values()))):
            yield table, {name: value for name, value in values.items() if not is_absent(name)}


async def _set_faults(url: str, options: argparse.Namespace, tls: Certificate | None) -> None:
    latency = options.latency / 1000
    rules = [FaultRule(kind=FaultKind.UNAVAILABLE, rate=options.fault_rate)] if options.fault_rate else []
    plan = FaultPlan(min_latency=latency, max_latency=latency, rules=rules)
    async with httpx.AsyncClient(verify=str(tls.chain) if tls else True) as http:
        (await http.post(f"{url}/sandbox/faults", json=plan.model_dump(mode="json"))).raise_for_status()


def _print_addresses(addresses: Addresses, options: argparse.Namespace) -> None:
    if options.json:
        print(json.dumps(asdict(addresses)), flush=True)
        return
    print(f"Dataverse  {addresses.dataverse_url}/api/data/v9.2/   (look inside: {addresses.dataverse_url}/sandbox/)")
    print(f"           tokens: POST {addresses.dataverse_url}/{TENANT}/oauth2/v2.0/token")
    print(f"           client {PEOPLE_CLIENT} with secret {PEOPLE_SECRET}; the connector's own is {CONNECTOR_CLIENT};")
    print(f"           client {COLLEAGUE_CLIENT} with secret {COLLEAGUE_SECRET} is a Spotler User who reads people")
    print(f"Spotler    {addresses.spotler_url}   (look inside: {addresses.spotler_url.split('/integ')[0]}/sandbox/)")
    print(f"           key {SPOTLER_KEY}, secret {SPOTLER_SECRET}")
    if addresses.certificate:
        print(f"Trust      REQUESTS_CA_BUNDLE={addresses.certificate}")
    print("Ctrl+C stops both.")
    sys.stdout.flush()
