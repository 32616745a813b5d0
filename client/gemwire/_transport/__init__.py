"""How calls are made: endpoint, credentials, channels, deadlines, retries, errors.

It knows grpc and method tables, and no resource of the API.
"""
