"""The types of `gemwire.genai`, under the names that google-genai gives them.

Messages are views (see `gemwire_runtime.views`): objects over the protobuf messages that are sent. Configs
are plain objects. Wherever one is taken, a dict of its fields is taken too.
"""

# ruff: noqa: F403, I001 - the order matters: Python takes the last of two that have one name.

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    # mypy takes the first of two.
    from gemwire.genai._types.aliases import CitationMetadata as CitationMetadata
    from gemwire.genai._types.aliases import EmbedContentResponse as EmbedContentResponse
    from gemwire.genai._types.aliases import Modality as Modality
    from gemwire.genai._types.aliases import Transcription as Transcription
    from gemwire.genai._types.aliases import Model as Model
    from gemwire.genai._types.content import Content as Content
    from gemwire.genai._types.content import Part as Part
    from gemwire.genai._types.files import File as File
    from gemwire.genai._types.functions import FunctionDeclaration as FunctionDeclaration
    from gemwire.genai._types.responses import GenerateContentResponse as GenerateContentResponse
    from gemwire.genai._types.tuning import TunedModel as TunedModel
    from gemwire.genai._types.videos import Video as Video

from gemwire_proto.v1beta.views import *  # type: ignore[assignment]
from gemwire.genai._types.aliases import *
from gemwire.genai._types.call_configs import *
from gemwire.genai._types.media_configs import *
from gemwire.genai._types.resource_configs import *
from gemwire.genai._types.batches import *
from gemwire.genai._types.content import Content as Content
from gemwire.genai._types.content import ModelContent as ModelContent
from gemwire.genai._types.content import Part as Part
from gemwire.genai._types.content import UserContent as UserContent
from gemwire.genai._types.files import File as File
from gemwire.genai._types.files import FileStatus as FileStatus
from gemwire.genai._types.recording_config import DebugConfig as DebugConfig
from gemwire.genai._types.functions import FunctionDeclaration as FunctionDeclaration
from gemwire.genai._types.live import LiveConnectConfig as LiveConnectConfig
from gemwire.genai._types.live import LiveServerMessage as LiveServerMessage
from gemwire.genai._types.images import GeneratedImage as GeneratedImage
from gemwire.genai._types.images import GenerateImagesResponse as GenerateImagesResponse
from gemwire.genai._types.images import Image as Image
from gemwire.genai._types.images import SafetyAttributes as SafetyAttributes
from gemwire.genai._types.responses import GenerateContentResponse as GenerateContentResponse
from gemwire.genai._types.tuning import JobState as JobState
from gemwire.genai._types.tuning import TunedModel as TunedModel
from gemwire.genai._types.tuning import TunedModelInfo as TunedModelInfo
from gemwire.genai._types.tuning import TuningDataset as TuningDataset
from gemwire.genai._types.tuning import TuningJob as TuningJob
from gemwire.genai._types.videos import GeneratedVideo as GeneratedVideo
from gemwire.genai._types.videos import GenerateVideosOperation as GenerateVideosOperation
from gemwire.genai._types.videos import GenerateVideosResponse as GenerateVideosResponse
from gemwire.genai._types.videos import GenerateVideosSource as GenerateVideosSource
from gemwire.genai._types.videos import Operation as Operation
from gemwire.genai._types.videos import Video as Video

if TYPE_CHECKING:
    # google-genai has a TypedDict beside each type; here dicts are checked where they arrive.
    ContentDict: TypeAlias = dict[str, Any]
    FunctionDeclarationDict: TypeAlias = dict[str, Any]
    GenerateContentConfigDict: TypeAlias = dict[str, Any]
    HttpOptionsDict: TypeAlias = dict[str, Any]
    PartDict: TypeAlias = dict[str, Any]
    SafetySettingDict: TypeAlias = dict[str, Any]
    SchemaDict: TypeAlias = dict[str, Any]
    ToolConfigDict: TypeAlias = dict[str, Any]
    ToolDict: TypeAlias = dict[str, Any]
else:

    def __getattr__(name: str) -> Any:
        if name.endswith("Dict") and name.removesuffix("Dict") in globals():
            return dict
        raise AttributeError(
            f"gemwire.genai.types has no {name!r}; what google-genai has for Vertex AI is not here"
        )
