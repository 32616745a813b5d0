"""The types of `gemwire.genai`, under the names that google-genai gives them.

Messages are views (see `gemwire_proto._view`): objects over the protobuf messages that are sent. Configs are
plain objects. Wherever one is taken, a dict of its fields is taken too.
"""

# ruff: noqa: F403, I001 - the order matters: Python takes the last of two that have one name.

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    # mypy takes the first of two.
    from gemwire._convert.aliases import CitationMetadata as CitationMetadata
    from gemwire._convert.aliases import EmbedContentResponse as EmbedContentResponse
    from gemwire._convert.aliases import Modality as Modality
    from gemwire._convert.aliases import Model as Model
    from gemwire._convert.content import Content as Content
    from gemwire._convert.content import Part as Part
    from gemwire._convert.files import File as File
    from gemwire._convert.functions import FunctionDeclaration as FunctionDeclaration
    from gemwire._convert.json_only import ImageConfig as ImageConfig
    from gemwire._convert.json_only import ThinkingConfig as ThinkingConfig
    from gemwire._convert.responses import GenerateContentResponse as GenerateContentResponse
    from gemwire._convert.tuning import TunedModel as TunedModel
    from gemwire._convert.videos import Video as Video

from gemwire_proto.v1beta.views import *  # type: ignore[assignment]
from gemwire._convert.aliases import *
from gemwire._convert.configs import *
from gemwire._convert.media_configs import *
from gemwire._convert.resource_configs import *
from gemwire._convert.batch_types import *
from gemwire._convert.json_only import *
from gemwire._convert.content import Content as Content
from gemwire._convert.content import ModelContent as ModelContent
from gemwire._convert.content import Part as Part
from gemwire._convert.content import UserContent as UserContent
from gemwire._convert.files import File as File
from gemwire._convert.files import FileStatus as FileStatus
from gemwire._convert.debug import DebugConfig as DebugConfig
from gemwire._convert.functions import FunctionDeclaration as FunctionDeclaration
from gemwire._convert.live import LiveConnectConfig as LiveConnectConfig
from gemwire._convert.live import LiveServerMessage as LiveServerMessage
from gemwire._convert.pictures import GeneratedImage as GeneratedImage
from gemwire._convert.pictures import GenerateImagesResponse as GenerateImagesResponse
from gemwire._convert.pictures import Image as Image
from gemwire._convert.pictures import SafetyAttributes as SafetyAttributes
from gemwire._convert.responses import GenerateContentResponse as GenerateContentResponse
from gemwire._convert.tuning import JobState as JobState
from gemwire._convert.tuning import TunedModel as TunedModel
from gemwire._convert.tuning import TunedModelInfo as TunedModelInfo
from gemwire._convert.tuning import TuningDataset as TuningDataset
from gemwire._convert.tuning import TuningJob as TuningJob
from gemwire._convert.videos import GeneratedVideo as GeneratedVideo
from gemwire._convert.videos import GenerateVideosOperation as GenerateVideosOperation
from gemwire._convert.videos import GenerateVideosResponse as GenerateVideosResponse
from gemwire._convert.videos import GenerateVideosSource as GenerateVideosSource
from gemwire._convert.videos import Operation as Operation
from gemwire._convert.videos import Video as Video

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
