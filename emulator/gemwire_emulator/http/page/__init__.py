"""The page at ``/``, which shows calls live and controls the emulator, and its API below ``/emulator``.

The browser's part is in ``static``: plain modules, styles and one document, without a build step and without
resources of other hosts.
"""
