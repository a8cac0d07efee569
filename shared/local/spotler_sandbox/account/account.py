"""One Mail+ account: all data of the sandbox, in memory."""

from __future__ import annotations

from shared.local.spotler_sandbox.account.audiences import AudienceStore
from shared.local.spotler_sandbox.account.automations import AutomationStore
from shared.local.spotler_sandbox.account.campaigns import CampaignStore
from shared.local.spotler_sandbox.account.contacts import ContactBook, ContactRules
from shared.local.spotler_sandbox.account.identifiers import Identifiers
from shared.local.spotler_sandbox.account.properties import Catalogue
from shared.local.spotler_sandbox.account.tags import TagBook
from shared.local.spotler_sandbox.account.temporary_lists import TemporaryListStore
from shared.local.spotler_sandbox.activity.crowd import Crowd
from shared.local.spotler_sandbox.activity.forms import FormEntries
from shared.local.spotler_sandbox.activity.mailings import Mailings
from shared.local.spotler_sandbox.activity.shop import Shop
from shared.local.spotler_sandbox.http.settings import SpotlerSandboxSettings


class Account:
    """The parts of the account; they share one sequence of identifiers and one clock."""

    def __init__(self, settings: SpotlerSandboxSettings) -> None:
        identifiers = Identifiers()
        rules = ContactRules(settings.deduplication, settings.optout_upsert, settings.anonymized_get)
        self.catalogue = Catalogue(settings.catalogue)
        self.contacts = ContactBook(self.catalogue, rules, identifiers, settings.now)
        self.tags = TagBook(self.contacts)
        self.audiences = AudienceStore(self.contacts, settings.audience_limit, settings.now)
        self.temporary_lists = TemporaryListStore(self.contacts, settings.temporary_list_limit, settings.now)
        self.automations = AutomationStore(settings.automations)
        self.campaigns = CampaignStore(settings.campaigns, identifiers, settings.now)
        self.mailings = Mailings(self.contacts, identifiers, settings.now)
        self.crowd = Crowd(self.mailings, settings.now)
        self.form_entries = FormEntries(identifiers, settings.now)
        self.shop = Shop(settings.product_properties, settings.now)
        self.opened = settings.now()
