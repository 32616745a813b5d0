"""Clients of the services: what the generated methods are mixed into."""
