"""The emulator over HTTP: what the REST API's clients, browsers and curl speak."""
