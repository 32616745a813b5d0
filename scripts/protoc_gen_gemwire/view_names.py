"""Names of views that differ from those of their messages: google-genai's names of the same things."""

from __future__ import annotations

#: Names of views and enums by the names of their messages and enums, without the package.
VIEW_NAMES = {
    "BidiGenerateContentClientContent": "LiveClientContent",
    "BidiGenerateContentClientMessage": "LiveClientMessage",
    "BidiGenerateContentRealtimeInput": "LiveClientRealtimeInput",
    "BidiGenerateContentRealtimeInput.ActivityEnd": "ActivityEnd",
    "BidiGenerateContentRealtimeInput.ActivityStart": "ActivityStart",
    "BidiGenerateContentServerContent": "LiveServerContent",
    "BidiGenerateContentServerMessage": "LiveServerMessage",
    "BidiGenerateContentSetup": "LiveClientSetup",
    "BidiGenerateContentSetupComplete": "LiveServerSetupComplete",
    "BidiGenerateContentToolCall": "LiveServerToolCall",
    "BidiGenerateContentToolCallCancellation": "LiveServerToolCallCancellation",
    "BidiGenerateContentToolResponse": "LiveClientToolResponse",
    "Candidate.FinishReason": "FinishReason",
    "CitationSource": "Citation",
    "CodeExecution": "ToolCodeExecution",
    "CodeExecutionResult.Outcome": "Outcome",
    "ContextWindowCompressionConfig.SlidingWindow": "SlidingWindow",
    "ExecutableCode.Language": "Language",
    "FunctionDeclaration.Behavior": "Behavior",
    "GenerateContentResponse.PromptFeedback.BlockReason": "BlockedReason",
    "GenerateContentResponse.UsageMetadata.TrafficType": "TrafficType",
    "GenerationConfig.MediaResolution": "MediaResolution",
    "GenerationConfig.Modality": "Modality",
    "GoAway": "LiveServerGoAway",
    "Modality": "MediaModality",
    "ModelStatus.ModelStage": "ModelStage",
    "RealtimeInputConfig.ActivityHandling": "ActivityHandling",
    "RealtimeInputConfig.AutomaticActivityDetection": "AutomaticActivityDetection",
    "RealtimeInputConfig.AutomaticActivityDetection.EndSensitivity": "EndSensitivity",
    "RealtimeInputConfig.AutomaticActivityDetection.StartSensitivity": "StartSensitivity",
    "RealtimeInputConfig.TurnCoverage": "TurnCoverage",
    "SafetyRating.HarmProbability": "HarmProbability",
    "SafetySetting.HarmBlockThreshold": "HarmBlockThreshold",
    "SessionResumptionUpdate": "LiveServerSessionResumptionUpdate",
    "ThinkingConfig.ThinkingLevel": "ThinkingLevel",
    "Tool.ComputerUse": "ComputerUse",
    "Tool.ComputerUse.Environment": "Environment",
    "Tool.GoogleSearch": "GoogleSearch",
    "VoiceActivity.VoiceActivityType": "VoiceActivityType",
    "VoiceActivityDetectionSignal.VadSignalType": "VadSignalType",
    "UrlMetadata.UrlRetrievalStatus": "UrlRetrievalStatus",
}

#: Members that google-genai's enums have and the public protos lack. They have no number: a program can
#: compare with them, and a message cannot hold them.
FURTHER_MEMBERS = {
    "Candidate.FinishReason": (
        "MISSING_THOUGHT_SIGNATURE",
        "MALFORMED_RESPONSE",
        "ESCALATION",
        "PUP_LIMITED_DISABLED",
        "CONTINUATION",
        "MODEL_ARMOR",
    ),
    "GenerateContentResponse.PromptFeedback.BlockReason": (
        "BLOCKED_REASON_UNSPECIFIED",
        "MODEL_ARMOR",
        "JAILBREAK",
    ),
    "GenerationConfig.Modality": ("VIDEO",),
    "HarmCategory": (
        "HARM_CATEGORY_JAILBREAK",
        "HARM_CATEGORY_IMAGE_HATE",
        "HARM_CATEGORY_IMAGE_DANGEROUS_CONTENT",
        "HARM_CATEGORY_IMAGE_HARASSMENT",
        "HARM_CATEGORY_IMAGE_SEXUALLY_EXPLICIT",
    ),
    "RealtimeInputConfig.TurnCoverage": ("TURN_INCLUDES_AUDIO_ACTIVITY_AND_ALL_VIDEO",),
    "Tool.ComputerUse.Environment": ("ENVIRONMENT_MOBILE", "ENVIRONMENT_DESKTOP"),
}
