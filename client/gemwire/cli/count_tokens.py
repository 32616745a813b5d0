"""``count-tokens``."""

from __future__ import annotations

from gemwire.cli import output, service
from gemwire.cli.local_model import Local, use_local_model
from gemwire.cli.options import AsJson, File, Model, Prompt, Transport, TransportName
from gemwire.cli.prompt_input import user_content


def count_tokens(
    prompt: Prompt = None,
    model: Model = "gemini-2.5-flash",
    file: File = None,
    local: Local = False,
    transport: Transport = TransportName.GRPC,
    as_json: AsJson = False,
) -> None:
    """Count the tokens of a prompt and of files."""
    contents = [user_content(prompt, file)]
    with use_local_model(local):
        response = service.count_tokens(service.name_model(model), contents, transport.value)
    output.print_result(response, f"{response.total_tokens}", as_json=as_json)
