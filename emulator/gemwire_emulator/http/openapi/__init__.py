"""The REST API as an OpenAPI document, built from method tables, descriptors and the protos' comments.

The version is OpenAPI 3.0.3, which all generators and validators read; some of them still call 3.1 "beta".
"""
