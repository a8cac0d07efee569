"""What the check of a mapping, its trial on real records and the look for drift find."""

from shared.domain.wording.phrase import Wording


class GapText(Wording):
    """Why a source of a row cannot be read."""

    NO_TABLE = "Table %(table)s does not exist in Dataverse: correct or delete the row"
    NO_COLUMN = "%(table)s has no column %(column)s: correct or delete the row"
    NO_ENTITY_SET = "No table is called %(name)s in the Web API: correct the query"
    NO_LOOKUP = "%(column)s is no lookup: write a lookup column"
    LEADS_ELSEWHERE = "%(lookup)s does not lead to %(table)s: %(cure)s"
    CORRECT_PERIODIEK = "correct periodiek"
    LEADS_TO = "it leads to %(tables)s"
    IS_NO_LOOKUP = "it is no lookup"
    WRITE_ONE_OF = "write one of %(names)s"
    NO_LOOKUP_DOES = "no lookup of it does"
    SEVERAL_TABLES = "%(lookup)s leads to several tables: write %(choices)s"
    SEVERAL_LOOKUPS = "Several lookups of %(child)s lead here: write %(choices)s"
    NO_WAY_BACK = "No lookup of %(child)s leads to %(table)s: use another table"
    NOT_TWO_OPTIONS = (
        "%(column)s is %(type)s: subscribed needs a column of type two options, or any value would count as a yes"
    )
    QUERY = "The query cannot be used: %(problem)s"


class FindingText(Wording):
    """A finding about rows, tables, filters and rights."""

    NO_PROPERTY = "Spotler has no property with the name %(name)s: %(cure)s"
    WRITE_NAME = "write %(name)s"
    CREATE_PROPERTY = "create it in Spotler, make it visible, or delete the row"
    FOREIGN_NO_TEXT = "%(name)s takes foreign values and must be a text property; it is of type %(type)s"
    FIXED_MISFIT = "%(name)s expects %(expected)s: correct the fixed value"
    FIXED_TOO_LONG = "%(column)s takes %(most)s characters: shorten the fixed value"
    CANNOT_FILL_PROPERTY = "%(source)s cannot fill %(name)s (%(type)s): %(reason)s"
    CANNOT_FILL_COLUMN = "%(name)s (%(type)s) cannot fill %(column)s: %(reason)s"
    READ_ONLY = "Dataverse does not let %(column)s be changed: use direction -> or another column"
    UNKNOWN_CHOICES = "%(column)s has no option %(options)s: correct choices"
    NO_OPTION = (
        "%(name)s has no option for %(column)s = %(value)s: "
        "add an option with its label in Spotler, or translate it in choices"
    )
    UNSEEN = "Changes of %(sources)s fire nothing: the next save of the record or a resync sees them"
    NO_ENTITY_TABLE = "Table %(table)s does not exist in Dataverse: correct entityTable"
    NO_ENTITY_COLUMN = "%(table)s has no column %(column)s: correct the entity column"
    PERIODIEK = "periodiek: %(problem)s"
    PROTECTED = "Spotler has the field %(name)s and no row fills it: its row must not be deleted"
    NO_PERMISSIONS = (
        "No row brings permissions of %(table)s to Spotler, so what Dynamics says of them does not travel: "
        "restore its row, %(property)s with @map(permissions)"
    )
    NO_LANGUAGE = "No label in Dataverse is in language %(language)s: write one of %(known)s, or none"

    DOUBLE_TARGET = "Several rows write to %(column)s: keep one of them, set the others to ->"
    REQUIRED = "Records that come from Spotler will lack what %(table)s requires: map %(columns)s as well"
    NO_STEP = "No step tells the connector of %(messages)s of %(table)s: register it"
    STEP_WITHOUT_COLUMN = "The step for Update of %(table)s does not hear of %(columns)s: add them to its columns"
    CIRCLE = "One-way rows make a circle: %(way)s; turn one of them round, or use <->"

    FILTER_GAP = "Filter: %(problem)s"
    FILTER_UNREAD = "The filter of %(table)s looks at %(column)s: %(cure)s"
    FILTER_NEVER = "The filter of %(table)s compares %(column)s with a value that it never has%(place)s: %(cure)s"
    FILTER_PATTERN = "The filter of %(table)s compares %(column)s with what looks like a pattern%(place)s: %(cure)s"
    IN_LIST = " (no. %(number)s of its list)"
    ROW_NEVER = "The filter compares %(expression)s with a value that it never has: %(cure)s"

    RIGHTS_UNKNOWN = "Dataverse does not tell whether the connector may read %(tables)s: look at its role"
    TABLE_REFUSED = (
        "%(source)s reads %(table)s, and the connector's role in Dataverse lacks %(privilege)s: "
        "add Read on %(table)s, for all rows, to the role of its application user (Spotler Service)"
    )
    TABLE_PARTLY_REFUSED = (
        "%(source)s reads %(table)s, of which the connector's role shows some rows only; "
        "others may look empty: extend %(privilege)s to the whole organisation"
    )

    EMPTIES = "%(name)s would be emptied in Spotler for %(count)s of %(of)s records in a sample"
    ENDS = "The filter would take %(count)s of %(of)s records in a sample out of Spotler that are there now"


class FilterCure(Wording):
    """What to write in a filter instead of a value that the column can never have."""

    OTHER_COLUMN = "values of its type cannot be compared: use another column"
    EMPTY = "write empty(%(column)s)"
    TRUTH = "write true or false"
    TRUTH_LABELS = "write true or false, because its labels can be read both ways"
    OPTION_NUMBER = "write the number of an option"
    OPTION_LABEL = "it is the value of one option and the label of another: give that option another label"
    LABELS_OF_USER = "labels are those of the connector's user: write %(label)s or %(value)s"
    LABELS_OF_LANGUAGE = "labels are read in language %(language)s: write %(label)s or %(value)s"
    ONE_OF = "write one of %(options)s"
    ONE_OF_MORE = "write one of %(options)s, or one of %(more)s others"
    WHOLE = "write a whole number"
    NUMBER = "write a number such as 1250.50"
    DAY = 'write a date such as "2025-01-31"'
    MOMENT = 'write a date such as "2025-01-31", or "2025-01-31T09:30"'
    NO_ZONE = "write the time without a time zone, because the column has none"
    ID = 'write an id such as "6d81597f-8f5b-4b57-9a6b-3c9d2c5f7e21"'
    ROW = "write the name of a row, or its id"
    SHORTER = "it has room for %(most)s characters: write a shorter text"
    ALWAYS = "it is always %(text)s"
    LETTERS = "%% and * stand for themselves; name every value in a list, or take another column"


class PairText(Wording):
    """Why a column and a property cannot be paired."""

    NO_MEANING = "the one has no meaning in the other"
    NO_OPTIONS = "a list takes a choice, choices, or rows by @map(…)"
    NO_TIME = "the time of day would be lost"
    FILLS_A_LIST = "%(expression)s fills a list of options"
    NEVER_CHANGES = "an identifier never changes"
    SET_BY_DATAVERSE = "people and processes of Dataverse set it"
    ONE_OF_SEVERAL = "only one of several options could be kept"


class DriftText(Wording):
    """What became of a column, a property or an option."""

    PERHAPS = "perhaps it is now %(names)s"
    TYPE = "%(old)s is now %(new)s"
    LENGTH = "%(old)s characters are now %(new)s"
