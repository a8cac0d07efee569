"""Standard tables of Dataverse and Dynamics 365: a table of this list is refused as not simulated, not as missing.

Source: the table references of Microsoft, without intersect and internal tables. Tables with the prefix of a solution
(`msdyn_`, `adx_`) are left out: the simulated organisation has none of these solutions.
"""

from __future__ import annotations

from importlib.resources import files

STANDARD_TABLES = frozenset(files(__package__).joinpath("standard_tables.txt").read_text(encoding="utf-8").split())
