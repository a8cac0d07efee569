"""Why a call of Spotler, or what it answered, gave an error; `errors.py` has the frequent causes."""

from shared.domain.wording.phrase import Wording


class SpotlerCause(Wording):
    """The cause of an error of Spotler's contacts, lists and automations."""

    STARTED_OR_NOT = "Spotler does not say whether it carried out automation.start"
    CAPABILITY_OFF = "The capability %(capability)s is switched off"
    UNSENT_CONTACTS = "Spotler refused %(operation)s for contacts that were not sent"
    NO_RENAMING = "Spotler does not rename temporary lists"
    NO_REMOVAL = "Spotler removes nobody from a temporary list"
    NO_ADDRESS = "The contact cannot be addressed"
    DOTS = "A name of dots cannot be addressed"
    SAME_PAGE = "a list of Spotler leads back to a page that was read"
    NOT_TAKEN = "Spotler did not take a contact"
    NO_EMAIL_PROPERTY = "the Spotler account does not show the property %(property)s"
    CHANGE_REFUSED = "Spotler refused to change the contact: %(code)s"
    CONTACT_UNREADABLE = "Spotler's answer about the contact cannot be read"
    CONTACT_UNKNOWN = "Spotler does not know the contact"
    LIST_REFUSED = "%(summary)s."
    LIST_REFUSED_AS = "%(summary)s. %(detail)s"
    LIST_IN_USE = "Spotler does not let go of the list: a mailing, an automation or another list uses it there"
    MEMBERS_LOST = "members whom Spotler has lost are not in Spotler again yet"
    MEMBERS_UNSENT = "members are not in Spotler yet"
    PERSON_UNSENT = "the person is not in Spotler yet"
    LIST_REMADE = "the list was deleted in Spotler while it was filled, and created again"
