"""Everything that imports streamlit: the server, the shell, the pages.

Reading order: `server` (what stands in front of every request), `session` (who is at the screen), `app` (the script:
navigation and the one error boundary), `components` (what pages are made of), `pages/` (one file a page).
"""
