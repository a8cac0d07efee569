"""Tables that Dataverse and Dynamics 365 bring along, so that one that is not simulated is not called missing.

Source: the table references of Microsoft, without intersect and internal tables. Tables with the prefix of a solution
(`msdyn_`, `adx_`) are left out: the simulated organisation has none of these solutions.
"""

from __future__ import annotations

from importlib.resources import files

STANDARD_TABLES = frozenset(files(__package__).joinpath("standard_tables.txt").read_text(encoding="utf-8").split())
