"""One Mail+ account: everything the sandbox remembers, in memory."""

from __future__ import annotations

from shared.local.sandbox.spotler.audiences import AudienceShelf
from shared.local.sandbox.spotler.automations import AutomationDesk
from shared.local.sandbox.spotler.campaigns import CampaignDesk
from shared.local.sandbox.spotler.contacts import ContactBook, ContactRules
from shared.local.sandbox.spotler.forms import FormEntries
from shared.local.sandbox.spotler.identifiers import Identifiers
from shared.local.sandbox.spotler.mailings import MailRoom
from shared.local.sandbox.spotler.properties import Catalogue
from shared.local.sandbox.spotler.settings import SpotlerSandboxSettings
from shared.local.sandbox.spotler.shop import Shop
from shared.local.sandbox.spotler.tags import TagBook
from shared.local.sandbox.spotler.temporary_lists import TemporaryListShelf


class Account:
    """The parts of the account; they share one sequence of identifiers and one clock."""

    def __init__(self, settings: SpotlerSandboxSettings) -> None:
        identifiers = Identifiers()
        rules = ContactRules(settings.deduplication, settings.optout_upsert, settings.anonymized_get)
        self.catalogue = Catalogue(settings.catalogue)
        self.contacts = ContactBook(self.catalogue, rules, identifiers, settings.now)
        self.tags = TagBook(self.contacts)
        self.audiences = AudienceShelf(self.contacts, settings.audience_limit, settings.now)
        self.temporary_lists = TemporaryListShelf(self.contacts, settings.temporary_list_limit, settings.now)
        self.automations = AutomationDesk(settings.automations)
        self.campaigns = CampaignDesk(settings.campaigns, identifiers, settings.now)
        self.mailings = MailRoom(self.contacts, identifiers, settings.now)
        self.form_entries = FormEntries(identifiers, settings.now)
        self.shop = Shop(settings.product_properties, settings.now)
        self.opened = settings.now()
