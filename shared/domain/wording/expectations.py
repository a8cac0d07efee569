"""What a field expects of a value, and what becomes of a value that does not fit."""

from shared.domain.wording.phrase import Wording


class Expectation(Wording):
    """What a valid value would be. Stands after `expects`."""

    OPTION = "an option that exists"
    OPTIONS = "options that exist"
    OPTION_LABEL = "the label of an option"
    OPTION_LABELS = "labels of options"
    LIST_LABELS = "labels that are options of the list"
    LIST_SOURCE = "options: a choice, choices, or rows by @map(permissions)"
    EMAIL = "an e-mail address such as name@company.com"
    WHOLE = "a whole number, such as 1250"
    AMOUNT = "an amount, such as 1250.00"
    DATE = "a date"
    MOMENT = "a date and time"
    GENDER = "male or female (1 or 2)"
    POSTCODE = "a post code such as 3511 AB"
    PHONE = "a phone number such as 06-18596225 or +32 470 12 34 56"
    DUTCH_FORMAT = "the Dutch format"
    FOREIGN_PROPERTY = "a property of its own for foreign values: another row fills %(name)s"
    PERMISSION_NAME = "a name that exactly one of its options has"
    TAKEN_BY_SPOTLER = "a value that Spotler takes"

    NOTHING = "nothing from Spotler: %(reason)s"
    UNCHANGEABLE = "Dataverse does not let it be changed"
    AT_MOST = "at most %(most)s characters"
    LARGE_WHOLE = "a whole number that is not too large, such as 1250"
    LARGE_NUMBER = "a number that is not too large, such as 1250.50"
    TRUTH = "true, ja or 1, or false, nee or 0"
    A_VALUE = "a value: the column is required"
    ONE_ROW = "a name that exactly one row has"
    ONE_ROW_CALLED = "exactly one row called %(name)s"
    ONE_LIST_CALLED = "exactly one active, static marketing list called %(name)s"
    OWN_COLUMN = "a column of the record itself: correct the mapping"
    EXISTING_COLUMN = "a column that exists: correct the mapping"
    PERIODIEK = "periodiek in the mapping, with its table"
    UNREFUSED_ROW = "a row that Dataverse does not refuse"


class LossText(Wording):
    """The part of a value that was left out."""

    OPTION = "without an option that no longer exists"
    CENTS = "rounded to cents"
    TIME = "without the time of day"
    EXTENSION = "without the extension"
    CUT = "cut to %(most)s characters"


class DisputeText(Wording):
    """Why a field waits for a person. Stands after the name of the field."""

    ASKED = "was changed on both sides; make both equal"
    FROZEN = "keeps changing to and fro; something rewrites it"
    SWITCHED_OFF = "would be switched off for very many at once; an administrator must decide"
    EMPTIED = "would be emptied for very many at once; an administrator must decide"


class UnreadText(Wording):
    """Why a value could not be read. Stands after the name of the field."""

    ROLE = "may not be read: the connector's role in Dataverse lacks %(privilege)s for %(table)s"
    READ = "the privilege Read"
    PERIODIEK = "cannot be read: the mapping check says what is missing"


class ProblemText(Wording):
    """A problem of a value, with the column and the property that it is about."""

    STATED = "%(source)s (Spotler's %(property)s) %(what)s"
    MISFIT = "Spotler's %(property)s expects %(expected)s"
    MISFIT_OF = "%(source)s: Spotler's %(property)s expects %(expected)s"
    MISFIT_HERE = "Spotler's %(property)s: %(source)s expects %(expected)s"
    LOSS = "%(source)s: %(loss)s for Spotler's %(property)s"
    LOSS_HERE = "Spotler's %(property)s: %(loss)s for %(source)s"
