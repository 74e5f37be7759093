"""Import of a ledger."""

from crm.locale import _
from crm.ui import components as ui
from crm.ui import session

actor = session.current_actor()
with ui.title_row(actor, _("Excel import"), log_contact="secondary"):
    pass
