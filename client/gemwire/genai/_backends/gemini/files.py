"""Files of the Gemini API."""

from __future__ import annotations

from gemwire.genai._backends.base import Call, Page
from gemwire.genai._convert.files import resolve_download, to_file_fields, to_register_request
from gemwire.genai._convert.resource_names import to_file_name
from gemwire.genai._types.files import DeleteFileResponse, File, ListFilesConfig, RegisterFilesResponse
from gemwire_proto import v1beta
from gemwire_proto.v1beta.file_service import DELETE_FILE, GET_FILE, LIST_FILES, REGISTER_FILES


class GeminiFiles:
    """Calls of FileService."""

    to_upload = staticmethod(to_file_fields)
    to_download = staticmethod(resolve_download)

    def get(self, name: str) -> Call[File]:
        return Call(GET_FILE, v1beta.GetFileRequest(name=to_file_name(name)), File.of)

    def register(self, uris: object) -> Call[RegisterFilesResponse]:
        return Call(REGISTER_FILES, to_register_request(uris), _to_registered)

    def list(self, config: ListFilesConfig, page_token: str) -> Call[Page[File]]:
        request = v1beta.ListFilesRequest(page_size=config.page_size or 0, page_token=page_token)
        return Call(LIST_FILES, request, _to_page)

    def delete(self, name: str) -> Call[DeleteFileResponse]:
        return Call(
            DELETE_FILE, v1beta.DeleteFileRequest(name=to_file_name(name)), lambda _: DeleteFileResponse()
        )


def _to_registered(response: v1beta.RegisterFilesResponse) -> RegisterFilesResponse:
    return RegisterFilesResponse(files=[File.of(file) for file in response.files])


def _to_page(response: v1beta.ListFilesResponse) -> Page[File]:
    return Page("files", [File.of(file) for file in response.files], response.next_page_token)
