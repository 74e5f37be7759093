"""Everything that imports streamlit: the server, the shell, the pages.

Reading order: `server` (what stands in front of every request), `session` (who is at the screen), `shell` (the table of
pages and the frame around them; `app` is the script that runs it), `errors` (the one error boundary, and text made
inert), `components` (what pages are made of), `pages/` (one file a page), `assets/` (styles, scripts, drawings).
"""
