"""Python types and values as JSON Schema and JSON, and back. Nothing here knows the API.

Functions raise ValueError for a type or a value without such a form, and TypeError for what is none.
"""
