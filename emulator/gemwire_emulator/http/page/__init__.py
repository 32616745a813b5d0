"""The page at ``/``: what is asked of the emulator, live, and its switches; and the same as JSON.

The browser's part is in ``static``: plain modules, styles and one document, nothing to build and nothing
that comes from elsewhere.
"""
