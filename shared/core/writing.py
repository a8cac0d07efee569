"""Makes a write of what has changed, with what every write must name."""

from __future__ import annotations

from collections.abc import Mapping

from shared.core.fields import Scalar, as_properties
from shared.core.mapping.model import EMAIL, MappingRow
from shared.core.marketing import PropertyCatalogue, PropertyType, Purge
from shared.core.outcomes import Reason
from shared.core.situation import Decision, Rest, Rules, Unmapped, Write
from shared.core.values import EMPTY


def write_or_rest(rest: Rest, sent: Mapping[str, Scalar], besides: Mapping[str, Scalar], *, was_live: bool) -> Decision:
    """Send what has changed, and `besides` what always goes along; where nothing has changed, rest."""
    if not sent:
        return rest
    return Write(
        properties=as_properties({**besides, **sent}),
        fields=tuple(sent),
        purge=Purge.KEEP,
        binding=rest.binding,
        reason=Reason.UPDATED if was_live else Reason.CREATED,
        problems=rest.problems,
        permissions_off=rest.permissions_off,
        home=rest.home,
        meets=not (was_live or rest.binding.has_met),
    )


def besides(
    rules: Rules, rows: tuple[MappingRow, ...], catalogue: PropertyCatalogue, email: Scalar
) -> dict[str, Scalar]:
    """Every write names the e-mail address, by which Spotler knows people."""
    cleared = _unmapped(rows, catalogue) if rules.unmapped is Unmapped.CLEAR else {}
    return {**cleared, EMAIL: email}


def _unmapped(rows: tuple[MappingRow, ...], catalogue: PropertyCatalogue) -> dict[str, Scalar]:
    """Empty every value that the mapping does not mention, in either direction (PURGE-01).

    Named one by one instead of Spotler's own purge flag, which would also take away permissions given in Spotler.
    """
    mapped = {row.spotler for row in rows} | {row.foreign for row in rows}
    return {
        definition.name: EMPTY
        for definition in catalogue.definitions
        if definition.type is not PropertyType.SET and definition.name not in mapped
    }
