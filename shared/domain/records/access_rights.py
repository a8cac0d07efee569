"""The access rights of a user on a record, with their names in Dataverse."""

from enum import StrEnum


class AccessRight(StrEnum):
    """A right on one record, granted by roles, ownership, sharing and teams together."""

    CREATE = "CreateAccess"
    READ = "ReadAccess"
    WRITE = "WriteAccess"
    DELETE = "DeleteAccess"
    APPEND = "AppendAccess"
    APPEND_TO = "AppendToAccess"
    ASSIGN = "AssignAccess"
    SHARE = "ShareAccess"

    @property
    def label(self) -> str:
        """As security roles name it: `Append To`."""
        return self.name.replace("_", " ").title()
