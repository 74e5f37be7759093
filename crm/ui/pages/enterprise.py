"""enterprise"""

import streamlit as st

from crm.ui import session

actor = session.current_actor()
st.title("enterprise")
st.write(actor.login)
