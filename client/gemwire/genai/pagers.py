"""Pagers of lists, under the module's name in google-genai."""

from __future__ import annotations

from gemwire.genai._aio.pager import AsyncPager as AsyncPager
from gemwire.genai._sync.pager import Pager as Pager
