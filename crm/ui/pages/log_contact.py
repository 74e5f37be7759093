"""log_contact"""

import streamlit as st

from crm.ui import session

actor = session.current_actor()
st.title("log_contact")
st.write(actor.login)
