"""The version of gemwire, under the module's name in google-genai."""

from __future__ import annotations

from gemwire import __version__ as __version__
