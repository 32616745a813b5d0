"""Dicts that are accepted in place of messages, under google-genai's names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

_Fields: TypeAlias = Mapping[str, Any]

AudioTranscriptionConfigDict: TypeAlias = _Fields
BlobDict: TypeAlias = _Fields
CodeExecutionResultDict: TypeAlias = _Fields
ContentDict: TypeAlias = _Fields
ContextWindowCompressionConfigDict: TypeAlias = _Fields
ExecutableCodeDict: TypeAlias = _Fields
FileDataDict: TypeAlias = _Fields
FileDict: TypeAlias = _Fields
FunctionCallDict: TypeAlias = _Fields
FunctionDeclarationDict: TypeAlias = _Fields
FunctionResponseDict: TypeAlias = _Fields
GenerationConfigDict: TypeAlias = _Fields
ImageConfigDict: TypeAlias = _Fields
PartDict: TypeAlias = _Fields
PartMediaResolutionDict: TypeAlias = _Fields
RealtimeInputConfigDict: TypeAlias = _Fields
SafetySettingDict: TypeAlias = _Fields
SchemaDict: TypeAlias = _Fields
SessionResumptionConfigDict: TypeAlias = _Fields
SpeechConfigDict: TypeAlias = _Fields
ThinkingConfigDict: TypeAlias = _Fields
ToolConfigDict: TypeAlias = _Fields
ToolDict: TypeAlias = _Fields
TuningExampleDict: TypeAlias = _Fields
VideoMetadataDict: TypeAlias = _Fields
