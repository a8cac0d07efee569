"""The sentences of the domain as data: templates in English, with values, for every language of a reader."""
