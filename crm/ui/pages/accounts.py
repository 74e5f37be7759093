"""accounts"""

import streamlit as st

from crm.ui import session

actor = session.current_actor()
st.title("accounts")
st.write(actor.login)
