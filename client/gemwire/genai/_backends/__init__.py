"""The services that resources call: for each, the calls that their methods make."""
