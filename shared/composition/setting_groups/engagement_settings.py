"""The settings of mailings, interactions and engagement scores."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field
from pydantic_settings import BaseSettings, NoDecode

from shared.composition.setting_groups.schedules import SCHEDULES
from shared.composition.setting_groups.setting_texts import DomainName, Schedule
from shared.domain.engagement.weights import Preset
from shared.engagement.choices import AccountScores, ResponseKind


class EngagementSettings(BaseSettings):
    """Mailings on the customer card."""

    engagement: bool = Field(
        default=True,
        description="Whether mailings, opens, clicks and scores are shown in Dataverse (GEN-06, GEN-08).",
    )
    engagement_schedule: Schedule = Field(
        default=SCHEDULES["engagement_schedule"],
        description="When mailings and what their recipients did are read from Spotler (SCH-05, C-05); NCRONTAB.",
    )
    engagement_night_schedule: Schedule = Field(
        default=SCHEDULES["engagement_night_schedule"],
        description="When scores age, old interactions are deleted, and messages of campaigns are read (SCH-06).",
    )
    create_campaigns: bool = Field(
        default=True,
        description="Whether each mailing becomes a Campaign row with its numbers (BULK-03, BULK-06); needs Dynamics "
        "365 Sales.",
    )
    store_sent: bool = Field(
        default=True,
        description="Whether receiving a mailing is an interaction of its own (INT-09). Off saves most rows: only what "
        "people did remains.",
    )
    create_activities: bool = Field(
        default=False,
        description="Whether mails become e-mail activities and SMS phone call activities of each recipient (BULK-05). "
        "They fill the timeline, and the database: some 5 kB each.",
    )
    max_email_activities_per_mailing: int = Field(
        default=5000,
        ge=0,
        description="Mailings to more recipients get no activities; the campaign says so.",
    )
    create_campaign_responses: Annotated[tuple[ResponseKind, ...], NoDecode] = Field(
        default=(ResponseKind.CLICKS, ResponseKind.BOUNCES, ResponseKind.UNSUBSCRIBES),
        description="Which interactions become campaign responses, separated by commas (BULK-07): opens, clicks, "
        "bounces, unsubscribes; or none.",
    )
    interaction_retention_days: int = Field(
        default=365,
        ge=0,
        le=36_500,
        description="How long interactions are kept, in Dataverse and in the state; 0: for ever. Scores survive.",
    )
    engagement_weights: Preset = Field(
        default=Preset.B2B,
        description="Preset of the points of engagement scores (ENG-01, ENG-02): b2b halves the recent score in 30 "
        "days, b2c in 14, long-cycle in 90.",
    )
    account_scores: AccountScores = Field(
        default=AccountScores.OWN,
        description="Where scores of accounts come from (ENG-01): own: events of its own address; or top5: each "
        "night the sum of the five highest scores of its contacts.",
    )
    suspect_seconds: float = Field(
        default=2.0,
        ge=0,
        le=60,
        description="Clicks on different links of a mailing within so many seconds are those of a machine: shown "
        "greyed, without points.",
    )
    free_mail_domains: Annotated[tuple[DomainName, ...], NoDecode] = Field(
        default=(),
        description="Domains of free mail services and access providers, separated by commas, beside those that the "
        "connector knows. Elsewhere three people of one domain who click within five seconds are a machine.",
    )

    @property
    def interaction_memory(self) -> timedelta | None:
        """How long interactions are kept; None for ever."""
        return timedelta(days=self.interaction_retention_days) if self.interaction_retention_days else None
