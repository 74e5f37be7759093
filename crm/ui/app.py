"""The script that Streamlit runs for every reader: who they are, what they may see, one page, one error boundary."""

from crm.ui import shell

shell.run()
