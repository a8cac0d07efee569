"""What is wrong with the document or file of a mapping."""

from shared.domain.wording.phrase import Wording


class QueryRule(Wording):
    """A rule of `@odata:` queries."""

    TABLE = "a query begins with the name of a table in the Web API, such as contacts or accounts($ID)"
    SELECT = "a query needs $select with exactly one column"
    ONE_ROW = "a query of one row, %(name)s($ID), takes $select only"
    TOP = "$top is a number"
    OPTIONS = "a query may have %(names)s only"
    TWICE = "%(name)s occurs twice"


class Syntax(Wording):
    """What may stand at a place of an expression or a filter. Stands after `expected`."""

    EXPECTED = "%(excerpt)s, position %(position)s: expected %(expected)s"
    NESTING = "at most %(most)s levels of nesting"
    CLOSING_QUOTE = 'a closing "'
    TOKEN = "a name, a text, a number or a sign"  # noqa: S105  # no secret
    END = "the end"
    END_OF_COLUMN = "the end of the column (it is at most one relationship away)"
    END_AFTER = "the end, because %(operand)s is never empty"
    COLUMN = "the logical name of a column"
    RELATED_COLUMN = "the logical name of a column of the related table"
    CHILD_COLUMN = "the logical name of a column of the child table"
    CHILD_TABLE = "the logical name of a child table"
    TABLE_OR_CLOSE = "the logical name of a table, or )"
    LOOKUP_BACK = "the lookup that leads back to the record"
    SORT_COLUMN = "the column to sort by"
    ORDER = "ASC, DESC or )"
    VALUE = "a column, a text in double quotes, $CustomerType, @concat(…) or @child(…)"
    SPECIAL = "$CustomerType, $value:…, @map(…), @concat(…), @child(…) or @odata:…"
    FIXED = "$value:… (a text in double quotes stands only within other values)"
    QUERY = "a query, such as %(example)s"
    COMMA_OR_CLOSE = ", or )"
    AND_A_COLUMN = ", and a column (a fixed text alone is $value:…)"
    AND_OR_END = "and, or, or the end"
    AND_OR_CLOSE = "and, or, or )"
    OPERATOR = "=, <>, in or not in"
    CONDITION = "a column, not, empty(…) or ("
    FILTER_VALUE = "a text in double quotes, a number, true or false"


class DocumentDefect(Wording):
    """A broken rule of the document, and the place where."""

    AT = "%(place)s: %(text)s"
    WHOLE = "mapping"
    ROW = "row %(number)s"
    PART_OF_ROW = "row %(number)s %(part)s"
    MORE = "and %(count)s more complaints"

    NO_TEXT = "must be a text"
    NO_OWN_COLUMN = "must be a column of the table itself"
    NO_COLUMN = "must be a column, or a column of a related row"
    NO_TIME_ZONE = "no such time zone; write a name such as Europe/Amsterdam"
    NO_SOURCE = "a row needs a contact, lead, account or entity column"
    EMAIL_SOURCE = "%(property)s must be filled by a column of the record itself"
    EMAIL_DIRECTION = "%(property)s must reach Spotler: direction -> or <->"
    FILTER_OF_A_LIST = "a filter needs one value to look at, not a table of permissions"
    CALCULATED = "direction %(direction)s cannot write to %(source)s: name a column, or use ->"
    ENTITY_DIRECTION = "an entity column takes values of new subscribers: direction <- or <->"
    PROPERTY_NAME = "spotler is the name of a property, or $value:…"
    FIXED_DIRECTION = "a fixed value in place of a property goes to Dataverse: direction <-"
    SEVERAL_ROWS = "%(table)s: several rows fill %(names)s; one must go"
    NO_EMAIL = "%(table)s: a row for %(property)s is missing; without it nobody can be mailed"
    FOREIGN_IS_FILLED = "%(table)s: %(names)s takes foreign values and is filled by a row of its own"
    NO_ENTITY_TABLE = "entityTable is missing: rows have an entity column, of which table?"
    NO_PERIODIEK = "%(table)s: %(source)s needs periodiek, with its table and the lookup to %(table)s"


class SchemaDefect(Wording):
    """A defect that pydantic finds. Codes are its error types, templates and values are its own."""

    MISSING = "Field required"
    EXTRA_FORBIDDEN = "Extra inputs are not permitted"
    STRING_TYPE = "Input should be a valid string"
    TOO_SHORT = "Value should have at least %(min_length)s item after validation, not %(actual_length)s"
    STRING_PATTERN_MISMATCH = "String should match pattern '%(pattern)s'"
    INT_TYPE = "Input should be a valid integer"
    INT_PARSING = "Input should be a valid integer, unable to parse string as an integer"
    INT_FROM_FLOAT = "Input should be a valid integer, got a number with a fractional part"
    GREATER_THAN_EQUAL = "Input should be greater than or equal to %(ge)s"
    LESS_THAN_EQUAL = "Input should be less than or equal to %(le)s"
    ENUM = "Input should be %(expected)s"
    DICT_TYPE = "Input should be a valid dictionary"
    MODEL_TYPE = "Input should be a valid dictionary or instance of %(class_name)s"
    LIST_TYPE = "Input should be a valid list"
    TOO_LONG = "List should have at most %(max_length)s items after validation, not %(actual_length)s"


class YamlDefect(Wording):
    """What is wrong with a text, and where. The scanner's own words stand in it as they are."""

    THEN = "%(one)s\n%(other)s"
    PLACE = '  in "%(name)s", line %(line)s, column %(column)s'
    PLACE_IN_TEXT = '  in "%(name)s", line %(line)s, column %(column)s:\n%(snippet)s'
    ALIASES = "aliases (*) are not allowed"
    NESTING = "it is nested deeper than %(most)s levels"
    KEY_TWICE = "a key twice, or none"


class FileDefect(Wording):
    """A file that is no mapping, or a workbook that is not as one must be."""

    NO_YAML = "this is no YAML document: %(problem)s"
    NO_KEYS = "a mapping has the keys version and rows"
    TOO_LARGE = "%(what)s is larger than %(most)s bytes"
    THE_FILE = "the file"
    A_MAPPING = "a mapping in YAML"
    NO_FORMAT = "this is neither YAML in UTF-8 nor a workbook (.xlsx)"
    NO_WORKBOOK = "this is no workbook (.xlsx)"
    DAMAGED = "the workbook (.xlsx) is damaged: %(cause)s"
    PACKING = "the workbook is packed in a way that no spreadsheet program uses"
    DOCUMENT_TYPE = "a part of the workbook begins with a document type or a long comment; spreadsheets have neither"
    NESTING = "a part of the workbook is nested or attributed as no spreadsheet is"
    CHART = "a sheet of the workbook is a chart; put it into another workbook"
    NO_SHEET = "there is no sheet %(name)s; the workbook has %(names)s"

    WORKBOOK_TOO_LARGE = "the workbook is too large: %(limit)s; keep the sheets of the mapping alone"
    UNPACKED = "a workbook unpacks to at most %(bytes)s bytes in %(parts)s parts"
    TAG = "one of its tags is longer than %(most)s bytes"
    CELLS = "more than %(most)s cells"
    OTHERS = "more than %(most)s formats, rules and links"
    SHEETS = "more than %(most)s sheets"
    RANGES = "a rule is for too many ranges"
    CHARACTERS = "its texts have more than %(most)s characters together"
    ROWS = "more than %(rows)s rows or %(columns)s columns; delete the empty ones at the end"

    NOT_IN_ORDER = "its rows or cells are not in order; open and save it in a spreadsheet program"
    MERGED = "too many merged cells or formulas; a mapping needs neither"
    BENEATH_MERGED = "a value beneath merged cells, where nobody sees it"
    NO_COLUMN = "%(title)s is no column of a mapping, or here twice"
    NO_SETTING = "%(title)s is no setting of a mapping, or here twice"
    COLUMN_MISSING = "the column %(title)s is missing"
    WITHOUT_TITLE = "a value without a title"

    LONG_CELL = "longer than the %(most)s characters of a cell"
    LONG_CELL_TO_WRITE = "longer than the %(most)s characters of a cell: use YAML"
    FORMULA = "a formula; a mapping holds texts only"
    ERROR = "the error %(value)s"
    TRANSLATION = "%(line)s: write one translation to a line, such as 1 = M"
    TRANSLATION_IN_QUOTES = '%(line)s: write one translation to a line (Alt+Enter), or the text in quotes: 1 = "M"'
    TRANSLATED_TWICE = "%(value)s is translated twice"
    STRAIGHT_QUOTES = "%(text)s: write straight quotes, or none"
    QUOTES = "%(text)s: the quotes are not in order"
