"""The tree of errors that a person may see; each class owns its sentence.

Anything else that is raised is a defect: the surfaces show a reference number for it and keep the trace in the log.
"""

from collections.abc import Mapping

from crm.locale import Message, _


class CrmError(Exception):
    """Something refused for a reason that one sentence can say."""

    def __init__(self, message: Message) -> None:
        super().__init__(message)
        self.message = message

    def __str__(self) -> str:
        return str(self.message)


class Invalid(CrmError):
    """Input that the rules refuse: one message per field, for the form that holds the field."""

    def __init__(self, fields: Mapping[str, Message]) -> None:
        self.fields = dict(fields)
        super().__init__(_("{problems}", problems="; ".join(str(message) for message in self.fields.values())))


class Refused(CrmError):
    """A request that cannot be carried out as a whole, with the reason."""


class Denied(CrmError):
    """The person may not do this."""

    def __init__(self, message: Message | None = None) -> None:
        super().__init__(message or _("You do not have the right to do this. Ask your administrator if you need it."))


class NotFound(CrmError):
    """No such record, or none within the person's scope: both read the same, so that nothing leaks."""

    def __init__(self, message: Message | None = None) -> None:
        super().__init__(message or _("This record does not exist, or it is outside your scope."))


class Conflict(CrmError):
    """The record was changed by somebody else since it was read."""

    def __init__(self, message: Message | None = None) -> None:
        super().__init__(
            message
            or _("Somebody changed this record in the meantime: nothing was saved. Look at the change and begin again.")
        )


class DatabaseBusy(CrmError):
    """The database file belongs to another process."""


class DatabaseUnusable(CrmError):
    """The database cannot be opened or written: missing, damaged, full, read-only or of another version."""
