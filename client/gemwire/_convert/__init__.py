"""Between what programs write and the API's messages: pure functions, and the objects they deal in."""
