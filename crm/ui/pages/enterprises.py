"""enterprises"""

import streamlit as st

from crm.ui import session

actor = session.current_actor()
st.title("enterprises")
st.write(actor.login)
