"""The REST side as an OpenAPI document, made of the method tables, the descriptors and the protos' comments.

It is OpenAPI 3.0.3, which every generator and checker reads; 3.1 is still "beta" to some of them, and nothing
here needs it.
"""
