"""The handlers: one module for each kind of resource, one class for each service of the API."""
