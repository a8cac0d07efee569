"""Reads expressions, by recursive descent.

    expression = "$value:" text | "@odata:" text | "@map(" option_source ")" | value
    value      = operand { ";" operand } [ ";" ]
    operand    = column | lookup "(" [ table ] ")." column | "$CustomerType" | text in double quotes
               | "@concat(" value { "," value } ")"
               | "@child(" table [ "." lookup ] ").first(" column [ "ASC" | "DESC" ] ")." column

Blanks between the parts do not matter; special values are written as here, logical names in any case.
"""

from shared.domain.mapping.language.expression import (
    ID_PLACEHOLDER,
    Child,
    Coalesce,
    Column,
    Concat,
    Constant,
    CustomerType,
    Expression,
    Literal,
    MapTo,
    Operand,
    OptionSource,
    Order,
    QueryExpression,
    Related,
    is_never_empty,
)
from shared.domain.mapping.language.tokens import ExpressionError, TokenKind, Tokens
from shared.domain.wording.defects import Syntax
from shared.domain.wording.phrase import either

_CONSTANT, _QUERY = "$value:", "@odata:"
_COLUMN = Syntax.COLUMN()


def parse_expression(text: str) -> Expression:
    """Read one expression; ExpressionError has the position of the error. `str` of the result gives the text back."""
    if text.startswith(_CONSTANT):
        return Constant(text.removeprefix(_CONSTANT))
    if text.startswith(_QUERY):
        return _query(text)
    tokens = Tokens(text)
    match tokens.next.kind, tokens.next.text:
        case TokenKind.WORD, "@map":
            tokens.take()
            expression: Expression = _map(tokens)
        case TokenKind.WORD, word if word not in {"$CustomerType", "@concat", "@child"}:
            raise tokens.error(Syntax.SPECIAL())
        case _:
            value = _value(tokens)
            if isinstance(value, Literal):
                raise ExpressionError(text, 0, Syntax.FIXED())
            expression = value
    tokens.end(Syntax.END())
    return expression


def parse_column(tokens: Tokens) -> Column | Related:
    """Read a column of the record or of a related row."""
    name = tokens.name(_COLUMN)
    if not tokens.take_symbol("("):
        return Column(name)
    table = "" if tokens.comes(")") else tokens.name(Syntax.TABLE_OR_CLOSE())
    tokens.expect(")", ").column")
    tokens.expect(".", ").column")
    column = tokens.name(Syntax.RELATED_COLUMN())
    if tokens.comes("(", "."):
        raise tokens.error(Syntax.END_OF_COLUMN())
    return Related(name, table, column)


def _query(text: str) -> QueryExpression:
    query = text.removeprefix(_QUERY)
    if not query.strip():
        raise ExpressionError(text, len(_QUERY), Syntax.QUERY(example=f"contacts({ID_PLACEHOLDER})?$select=fullname"))
    return QueryExpression(query)


def _map(tokens: Tokens) -> MapTo:
    tokens.expect("(")
    option_sources = either(*OptionSource)
    if tokens.next.kind is not TokenKind.NAME or tokens.next.text not in set(OptionSource):
        raise tokens.error(option_sources)
    option_source = OptionSource(tokens.take().text)
    tokens.expect(")")
    return MapTo(option_source)


def _value(tokens: Tokens) -> Operand | Coalesce:
    operands = [_operand(tokens)]
    while tokens.take_symbol(";"):
        if tokens.next.kind is TokenKind.END or tokens.comes(",", ")"):
            break  # the specification ends such lists with a semicolon as well (MAP-21)
        if is_never_empty(operands[-1]):
            raise tokens.error(Syntax.END_AFTER(operand=str(operands[-1])))
        operands.append(_operand(tokens))
    return operands[0] if len(operands) == 1 else Coalesce(tuple(operands))


def _operand(tokens: Tokens) -> Operand:
    match tokens.next.kind, tokens.next.text:
        case TokenKind.NAME, _:
            return parse_column(tokens)
        case TokenKind.TEXT, _:
            return Literal(tokens.take().text)
        case TokenKind.WORD, "$CustomerType":
            tokens.take()
            return CustomerType()
        case TokenKind.WORD, "@concat":
            tokens.take()
            return _concat(tokens)
        case TokenKind.WORD, "@child":
            tokens.take()
            return _child(tokens)
        case _:
            raise tokens.error(Syntax.VALUE())


def _concat(tokens: Tokens) -> Concat:
    tokens.enter()
    tokens.expect("(")
    parts = [_value(tokens)]
    while tokens.take_symbol(","):
        parts.append(_value(tokens))
    if tokens.comes(")") and all(isinstance(part, Literal) for part in parts):
        raise tokens.error(Syntax.AND_A_COLUMN())
    tokens.expect(")", Syntax.COMMA_OR_CLOSE())
    tokens.leave()
    return Concat(tuple(parts))


def _child(tokens: Tokens) -> Child:
    tokens.expect("(")
    table = tokens.name(Syntax.CHILD_TABLE())
    lookup = tokens.name(Syntax.LOOKUP_BACK()) if tokens.take_symbol(".") else ""
    tokens.expect(")", ").first(column DESC).column")
    tokens.expect(".", ".first(column DESC).column")
    if not tokens.comes_keyword("first"):
        raise tokens.error("first(column DESC).column")
    tokens.take()
    tokens.expect("(")
    sort = tokens.name(Syntax.SORT_COLUMN())
    order = Order.ASCENDING if tokens.comes(")") else _order(tokens)
    tokens.expect(")")
    tokens.expect(".", ".column")
    return Child(table, lookup, sort, order, tokens.name(Syntax.CHILD_COLUMN()))


def _order(tokens: Tokens) -> Order:
    for order in Order:
        if tokens.comes_keyword(order.lower()):
            tokens.take()
            return order
    raise tokens.error(Syntax.ORDER())
