"""Wires mailings, interactions and engagement scores."""

from dataclasses import replace
from datetime import timedelta

from shared.composition.settings import Settings
from shared.composition.use_case_wiring import Tools
from shared.domain.engagement.machines import MachineRules
from shared.domain.engagement.weights import weights_of
from shared.domain.mapping.model import EMAIL
from shared.domain.values.free_mail import FreeMail
from shared.engagement.initial_run import InitialRun
from shared.engagement.keeping.colleagues import Colleagues
from shared.engagement.keeping.event_keeping import EventKeeper
from shared.engagement.keeping.memories import Memories
from shared.engagement.keeping.recent_clicks import RecentClicks
from shared.engagement.keeping.refused_rows import RefusedRows
from shared.engagement.mailings.account_probe import AccountProbe
from shared.engagement.mailings.count_check import CountCheck
from shared.engagement.mailings.known_mailings import KnownMailings
from shared.engagement.mailings.mailing_pass import MailingPass
from shared.engagement.mailings.stored_tallies import StoredTallies
from shared.engagement.policy import EngagementPolicy, Scoring
from shared.engagement.reading.bounce_reading import BounceReading
from shared.engagement.reading.feed_cursor import FeedCursor
from shared.engagement.reading.feed_reading import FeedReading
from shared.engagement.reading.list_reading import ListReading
from shared.engagement.reading.unsubscribe_reading import UnsubscribeReading
from shared.engagement.service import Engagement
from shared.engagement.upkeep import Upkeep
from shared.engagement.website_visits import WebsiteVisits
from shared.engagement.weights.change import WeightsChange
from shared.engagement.weights.live_weights import LiveWeights
from shared.engagement.weights.versions import WeightsVersions


def engagement_policy(settings: Settings, *, is_on: bool) -> EngagementPolicy:
    """Return what the settings decide; `is_on` is false while the whole synchronisation is off."""
    machines = MachineRules(at_once=timedelta(seconds=settings.suspect_seconds))
    return EngagementPolicy(
        environment=settings.environment,
        scoring=Scoring(weights_of(settings.engagement_weights)),
        machines=machines,
        is_on=settings.engagement and is_on,
        stores_sent=settings.store_sent,
        writes_campaigns=settings.create_campaigns,
        writes_activities=settings.create_activities,
        most_activities=settings.max_email_activities_per_mailing,
        responses=frozenset(settings.create_campaign_responses),
        memory=settings.interaction_memory,
        accounts=settings.account_scores,
    )


def colleagues_of(tools: Tools, clicks: RecentClicks, policy: EngagementPolicy) -> Colleagues:
    """Wire the comparison of colleagues, which reads addresses alone."""
    mapping = tools.rules.mapping
    addresses = replace(mapping, rows=tuple(row for row in mapping.rows if row.property_name == EMAIL), filters={})
    return Colleagues(
        clicks=clicks,
        people=tools.mapped.reading(addresses),
        mapping=addresses,
        fingerprints=tools.rules.fingerprints,
        free_mail=FreeMail(frozenset(tools.settings.free_mail_domains)),
        rules=policy.machines,
    )


def engagement_of(tools: Tools) -> Engagement:
    """Wire the use cases of mailings."""
    ports, clock, store = tools.ports, tools.ports.clock, tools.ports.store
    environment = tools.settings.environment
    policy = engagement_policy(tools.settings, is_on=tools.rules.environment_is_on)
    known, memories = KnownMailings(store, environment), Memories(store, environment)
    refused, tallies = RefusedRows(store, environment, clock), StoredTallies(store, environment)
    versions, clicks = WeightsVersions(store, clock, environment), RecentClicks(store, environment)
    keeper = EventKeeper(
        memories=memories,
        ledger=tools.ledger,
        campaigns=ports.campaign_rows,
        interactions=ports.interaction_rows,
        activities=ports.activity_rows,
        scores=ports.score_rows,
        colleagues=colleagues_of(tools, clicks, policy),
        tallies=tallies,
        refused=refused,
        weights=versions,
        policy=policy,
        clock=clock,
    )
    mailing_pass = MailingPass(platform=ports.mailings, campaigns=ports.campaign_rows, policy=policy, clock=clock)
    upkeep = Upkeep(
        memories=memories,
        known=known,
        keeper=keeper,
        ledger=tools.ledger,
        interactions=ports.interaction_rows,
        activities=ports.activity_rows,
        scores=ports.score_rows,
        clicks=clicks,
        tallies=tallies,
        refused=refused,
        policy=policy,
        store=store,
        clock=clock,
    )
    live = LiveWeights(versions, policy, tools.settings.engagement_weights)
    return Engagement(
        platform=ports.mailings,
        known=known,
        cursor=FeedCursor(store, environment),
        mailing_pass=mailing_pass,
        feed=FeedReading(
            platform=ports.mailings,
            keeper=keeper,
            bounces=BounceReading(feeds=ports.feeds, keeper=keeper),
            policy=policy,
            clock=clock,
        ),
        lists=ListReading(platform=ports.mailings, keeper=keeper, known=known, clock=clock),
        unsubscribes=UnsubscribeReading(consents=ports.consent, memories=memories, keeper=keeper),
        initial=InitialRun(
            platform=ports.mailings, mailing_pass=mailing_pass, known=known, policy=policy, store=store, clock=clock
        ),
        upkeep=upkeep,
        weights=live,
        visits=WebsiteVisits(
            crm=tools.mapped.crm,
            ledger=tools.ledger,
            memories=memories,
            interactions=ports.interaction_rows,
            keeper=keeper,
            known=known,
            platform=ports.mailings,
            policy=policy,
        ),
        weights_change=WeightsChange(
            versions=versions,
            live=live,
            memories=memories,
            known=known,
            platform=ports.mailings,
            upkeep=upkeep,
            policy=policy,
            lanes=tools.lanes,
            clock=clock,
        ),
        count_check=CountCheck(known=known, tallies=tallies, clock=clock),
        probe=AccountProbe(platform=ports.mailings, known=known, store=store, environment=environment, clock=clock),
        refused=refused,
        tallies=tallies,
        policy=policy,
        lanes=tools.lanes,
        redelivery=tools.redelivery,
        clock=clock,
    )
