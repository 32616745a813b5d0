"""Files, which Vertex AI does not have."""

from __future__ import annotations

from typing import NoReturn

from gemwire.genai._backends.vertex.refusals import method_error
from gemwire.genai._types.files import ListFilesConfig, UploadFileConfig


class VertexFiles:
    """Refusals of all methods."""

    def to_upload(self, config: UploadFileConfig) -> NoReturn:
        raise method_error("files.upload")

    def to_download(self, file: object) -> NoReturn:
        raise method_error("files.download")

    def get(self, name: str) -> NoReturn:
        raise method_error("files.get")

    def list(self, config: ListFilesConfig, page_token: str) -> NoReturn:
        raise method_error("files.list")

    def delete(self, name: str) -> NoReturn:
        raise method_error("files.delete")
