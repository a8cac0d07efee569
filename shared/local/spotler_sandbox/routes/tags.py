"""Tags and scores. Paths and bodies are proposals: the service's own are not published."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from shared.local.spotler_sandbox.account.tags import ScoreOperation
from shared.local.spotler_sandbox.http.operation import Body, Call, Operation
from shared.local.spotler_sandbox.http.wire import Reply

TagName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class Tags(Body):
    """Tags to add."""

    tags: list[TagName] = Field(min_length=1)


class Score(Body):
    """A change of one score."""

    tag: TagName
    operation: ScoreOperation
    value: int


class NewTag(Body):
    """A tag without a contact."""

    name: TagName


def add_tags(call: Call) -> Reply:
    """Add tags to a contact; a tag that does not exist is created."""
    contact = call.contact()
    for name in call.body(Tags).tags:
        call.account.tags.add(contact, name)
    return Reply()


def remove_tag(call: Call) -> Reply:
    """Remove a tag with its score; an absent tag is no error."""
    call.account.tags.remove(call.contact(), call.path["tag"])
    return Reply()


def tags_of_contact(call: Call) -> Reply:
    """List a contact's tags with their scores."""
    return Reply(200, [{"tag": tag.name, "score": tag.score} for tag in call.contact().tags.values()], root="tags")


def score(call: Call) -> Reply:
    """Set, increase or decrease a score; an absent tag starts at 0."""
    contact = call.contact()
    body = call.body(Score)
    call.account.tags.score(contact, body.tag, body.operation, body.value)
    return Reply()


def create_tag(call: Call) -> Reply:
    """Create a tag."""
    call.account.tags.create(call.body(NewTag).name)
    return Reply()


def tags(call: Call) -> Reply:
    """List all tags of the account."""
    return Reply(200, [{"name": name} for name in call.account.tags.names], root="tags")


OPERATIONS = (
    Operation("contact.add-tags", "POST", "/contact/{externalId}/tag", add_tags, Tags),
    Operation("contact.remove-tag", "DELETE", "/contact/{externalId}/tag/{tag}", remove_tag),
    Operation("contact.tags", "GET", "/contact/{externalId}/tag", tags_of_contact),
    Operation("contact.score", "PUT", "/contact/{externalId}/score", score, Score),
    Operation("tag.create", "POST", "/tag", create_tag, NewTag),
    Operation("tag.list", "GET", "/tag/list", tags),
)
