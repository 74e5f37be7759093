"""Where a visit begins: the first page of the person's navigation."""

from crm.ui import session, shell

shell.go(shell.landing(session.current_actor()).file)
