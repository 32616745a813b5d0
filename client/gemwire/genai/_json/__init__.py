"""Python types and values as JSON Schema and JSON, and back. Nothing here knows the API."""
