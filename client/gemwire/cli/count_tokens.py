"""``count-tokens``."""

from __future__ import annotations

from gemwire import v1beta
from gemwire.cli import output
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
    with use_local_model(local), v1beta.GenerativeServiceClient(transport=transport.value) as client:
        response = client.count_tokens(model=output.full_name("models", model), contents=contents)
    output.print_result(response, f"{response.total_tokens}", as_json=as_json)
