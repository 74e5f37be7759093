"""The server in front of Streamlit: nothing of the app is reached without a live session.

Reading order: `guard` (the middleware every request passes), `routes` (the pages outside Streamlit: signing in and out,
the password, health), `html` (how those look), `index` (Streamlit's page, in the reader's language), `bindings`.
"""
