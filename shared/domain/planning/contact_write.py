"""Builds the write of changed fields, with the fields that every write must have."""

from collections.abc import Mapping

from shared.domain.mapping.model import EMAIL, PERMISSIONS, MappingRow
from shared.domain.planning.decisions import Rest, Write
from shared.domain.planning.plan_input import BaseState, PlanInput
from shared.domain.planning.rules import Rules, Unmapped
from shared.domain.records.marketing_contact import MarketingContact, PropertyCatalogue, PropertyType, Purge
from shared.domain.records.outcomes import Reason
from shared.domain.values.fields import Scalar, as_properties, enabled_options, option_name
from shared.domain.values.values import EMPTY, is_blank


def write_or_rest(
    rest: Rest, sent: Mapping[str, Scalar], fields_of_every_write: Mapping[str, Scalar], *, was_live: bool
) -> Write | Rest:
    """Write the changed fields, and the fields of `fields_of_every_write` with them; without a change, rest."""
    if not sent:
        return rest
    return Write(
        properties=as_properties({**fields_of_every_write, **sent}),
        fields=tuple(sent),
        purge=Purge.KEEP,
        binding=rest.binding,
        reason=Reason.UPDATED if was_live else Reason.CREATED,
        problems=rest.problems,
        permissions_off=rest.permissions_off,
        dataverse_changes=rest.dataverse_changes,
        meets=not (was_live or rest.binding.initial_merge_done),
    )


def fields_of_every_write(
    rules: Rules, rows: tuple[MappingRow, ...], catalogue: PropertyCatalogue, email: Scalar
) -> dict[str, Scalar]:
    """Return the fields of every write: the e-mail address, by which the platform identifies people, and `unmapped`."""
    return {**unmapped(rules, rows, catalogue), EMAIL: email}


def unmapped(rules: Rules, rows: tuple[MappingRow, ...], catalogue: PropertyCatalogue) -> dict[str, Scalar]:
    """Return empty values for all properties and options outside the mapping, if the settings ask for it.

    PURGE-01: the platform mirrors Dataverse. The properties are named one by one instead of by the platform's own purge
    flag, and without permissions, which are given by people.
    """
    if rules.unmapped is Unmapped.KEEP:
        return {}
    mapped = {row.property_name for row in rows} | {row.foreign for row in rows} | {PERMISSIONS}
    empty: dict[str, Scalar] = {}
    for definition in catalogue.definitions:
        if definition.name in mapped:
            continue
        if definition.type is PropertyType.SET:
            empty |= {option_name(definition.name, entry.bit): False for entry in definition.entries}
        else:
            empty[definition.name] = EMPTY
    return empty


def left_in(contact: MarketingContact, empty: Mapping[str, Scalar]) -> dict[str, Scalar]:
    """Return those of the values to empty that a contact still holds."""
    options = enabled_options(contact)
    return {
        name: value for name, value in empty.items() if name in options or not is_blank(contact.properties.get(name))
    }


def changed_fields(
    prints: Mapping[str, str], values: Mapping[str, Scalar], plan_input: PlanInput, unmapped: Unmapped = Unmapped.KEEP
) -> list[str]:
    """Return the names of the fields to send.

    An empty field without a base stays as it is in the platform (PURGE-02), unless the platform mirrors Dataverse. If
    the contact is in doubt, everything is sent except an agreed yes of a permission: it may have been withdrawn since.
    """
    base = plan_input.binding.base if plan_input.binding.is_live else {}
    is_doubtful = plan_input.base_state is BaseState.NOTHING

    def must_be_sent(name: str) -> bool:
        if name not in base:
            return is_doubtful or values[name] != EMPTY or unmapped is Unmapped.CLEAR
        return prints[name] != base[name] or (is_doubtful and values[name] is not True)

    return [name for name in values if must_be_sent(name)]


PURGED = "*"
"""The name under which a binding stores the unmapped fields that were emptied last."""


def purge_print(rules: Rules, external_id: str, empty: Mapping[str, Scalar]) -> dict[str, str]:
    """Return the fingerprint of emptied unmapped fields: another mapping or account empties them again."""
    return {PURGED: rules.fingerprints.value(external_id, PURGED, sorted(empty))} if empty else {}
