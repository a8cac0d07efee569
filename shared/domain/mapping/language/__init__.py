"""The language of expressions and filters: tokens, parser, evaluation, queries."""
