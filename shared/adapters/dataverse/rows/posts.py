"""Posts in the timeline of a record (TLP-01, TLP-02)."""

from shared.adapters.dataverse.records import tables
from shared.adapters.dataverse.web_api import odata, operations
from shared.domain.records.records import PersonTable
from shared.domain.values.values import clipped
from shared.ports.dataverse import TimelinePost

_KEY = "postid"
_AUTO_POST = 1
"""A post of the system: the timeline shows no user as its author."""

_LENGTH = 2000
_REGARDING = {
    PersonTable.CONTACT: "regardingobjectid_contact_post",
    PersonTable.LEAD: "regardingobjectid_lead_post",
    PersonTable.ACCOUNT: "regardingobjectid_account_post",
}


def post_operation(post: TimelinePost) -> operations.WebApiOperation:
    """Create a post with a fixed id: Dataverse refuses a repetition as a duplicate."""
    record = odata.row(tables.PEOPLE[post.key.table].entity_set, post.key.id)
    row = {
        _KEY: str(post.id),
        "source": _AUTO_POST,
        "text": clipped(post.text, _LENGTH),
        f"{_REGARDING[post.key.table]}@odata.bind": f"/{record}",
    }
    return operations.create(tables.POSTS, row, key=_KEY)
