"""What the builders of forms are told of an organisation."""

from uuid import UUID

from shared.installation.components.localised import languages
from shared.installation.desired.state import DesiredState
from shared.installation.organisation.organisation import Organisation
from shared.installation.pages.forms.context import Surroundings
from shared.installation.pages.forms.specification import FormKind, OwnForm
from shared.installation.pages.ids import stable_id
from shared.installation.pages.reading import Customisation


def surroundings(customisation: Customisation, desired: DesiredState, organisation: Organisation) -> Surroundings:
    """Return the organisation as the builders of forms see it, with all views and quick view forms installed."""
    return Surroundings(
        languages=languages(desired, organisation),
        views={view.key: view.id for view in customisation.views},
        forms={form.key: form_id(form) for form in customisation.forms if form.kind is FormKind.QUICK_VIEW},
        has_sales=organisation.sales,
    )


def form_id(form: OwnForm) -> UUID:
    """Return the id of an own form, the same in every organisation."""
    return stable_id("form", form.key)
