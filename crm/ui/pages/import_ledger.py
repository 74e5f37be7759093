"""import_ledger"""

import streamlit as st

from crm.ui import session

actor = session.current_actor()
st.title("import_ledger")
st.write(actor.login)
