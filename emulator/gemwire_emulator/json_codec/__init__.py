"""JSON of messages: fast reading and writing, with the results of json_format."""
