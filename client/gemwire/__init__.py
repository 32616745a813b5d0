"""A gRPC-first client for the Gemini API."""
