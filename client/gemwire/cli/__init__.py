"""The command ``gemwire``. It uses what anybody can import, and nothing else of gemwire."""
