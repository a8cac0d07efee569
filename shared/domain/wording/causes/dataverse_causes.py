"""Why a call of Dataverse, or a query for it, gave an error; `errors.py` has the frequent causes."""

from shared.domain.wording.phrase import Wording


class DataverseCause(Wording):
    """The cause of an error of Dataverse, its pages of rows, its batches and its queries."""

    UNREACHED = "Dataverse cannot be reached: %(operation)s"
    CLEAR_AUTHORITY = "An authority without TLS takes a client secret only"
    BATCH_IN_PART = "The batch was answered in part"
    PART_WITHOUT_STATUS = "A part of the batch has no status"
    OTHER_TABLE = "A page does not continue the table that it began"
    OTHER_HOST = "A page of Dataverse continues at another host"
    OTHER_PATH = "A page of Dataverse continues at another path"
    NO_ID = "Dataverse did not tell the id of a new row"
    NO_DATAVERSE_TABLE = "Dataverse has no table %(table)s"
    PAGING_COOKIE = "The paging cookie of a page cannot be read"
    NO_LIST_QUERY = "The dynamic marketing list has no query"
    NO_FETCHXML = "The query is not FetchXML"
    NO_XML = "The query is not XML"
    DOCUMENT_TYPE = "FetchXML has no document type"
    DEEP_QUERY = "The query is nested too deeply"
    AGGREGATE = "The query is an aggregate (aggregate='true'): it finds no rows"
    OWN_USER = (
        "The query depends on the user who runs it (operator %(operators)s), and the connector is another user than "
        "its readers: name the user, team or business unit in the condition"
    )
    NOT_WRITABLE = "The connector's role in Dataverse may not write this record"
    ALTERNATE_KEY = "Another row has the same alternate key"
    DUPLICATE_RULE = "A duplicate detection rule of Dataverse objects: merge the duplicates, or change the rule"
    RECORD_REFUSED = "Dataverse refused the record"
    OF_COLUMNS = "%(text)s: %(columns)s"
    NEW_RECORD_LACKS = "A new record needs %(column)s, and the value does not fit"
    NO_MATCH_BY = "New subscribers cannot be matched by %(table)s.%(column)s: choose a column with one value of its own"
    SUBSCRIPTION_GONE = "A subscription's row was deleted in between"
    NONE_WITH_ID = "There is no %(table)s with this id"
