"""The protos are wire-identical to Google's, and scripts/wire-diff would notice if they were not."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROTOS = ROOT / "protos"
WIRE = Path(__file__).parent / "wire"
FACTS = (
    "aiplatform_common.json",
    "aiplatform_v1.json",
    "common.json",
    "generativelanguage_v1.json",
    "generativelanguage_v1beta.json",
)

V1 = "google.ai.generativelanguage.v1"
V1BETA = "google.ai.generativelanguage.v1beta"
V1_FOLDER = "google/ai/generativelanguage/v1"
V1BETA_FOLDER = "google/ai/generativelanguage/v1beta"
GENERATIVE = f"{V1BETA_FOLDER}/generative_service.proto"
OPERATIONS = "google/longrunning/operations.proto"


# File, text in it, text to put there, and how a line that must then be printed begins; None for no line.
EDITS = [
    pytest.param(
        GENERATIVE,
        "FinishReason finish_reason = 2 [",
        "FinishReason finish_reason = 99 [",
        f"{V1BETA}.Candidate.finish_reason: number: facts 2, protos 99",
        id="field number",
    ),
    pytest.param(
        f"{V1BETA_FOLDER}/content.proto",
        "map<string, Schema> properties = 7 [(google.api.field_behavior) = OPTIONAL];",
        "",
        f"{V1BETA}.Schema.properties: field: facts present, protos absent",
        id="field removed",
    ),
    pytest.param(
        f"{V1_FOLDER}/model.proto",
        "string description = 5;",
        "string description = 5; bool extra = 99;",
        f"{V1}.Model.extra: field: facts absent, protos present",
        id="field added",
    ),
    pytest.param(
        f"{V1_FOLDER}/model.proto",
        "int32 input_token_limit = 6;",
        "int64 input_token_limit = 6;",
        f'{V1}.Model.input_token_limit: type: facts "int32", protos "int64"',
        id="scalar type",
    ),
    pytest.param(
        f"{V1BETA_FOLDER}/safety.proto",
        "SafetySetting setting = 2;",
        "SafetyRating setting = 2;",
        f"{V1BETA}.SafetyFeedback.setting: type:"
        f' facts "{V1BETA}.SafetySetting", protos "{V1BETA}.SafetyRating"',
        id="message type",
    ),
    pytest.param(
        f"{V1BETA_FOLDER}/content.proto",
        "map<string, Schema> properties = 7",
        "map<int32, Schema> properties = 7",
        f'{V1BETA}.Schema.properties: type: facts "map<string, {V1BETA}.Schema>",'
        f' protos "map<int32, {V1BETA}.Schema>"',
        id="map type",
    ),
    pytest.param(
        OPERATIONS,
        "repeated Operation operations = 1;",
        "Operation operations = 1;",
        "google.longrunning.ListOperationsResponse.operations: repeated: facts true, protos absent",
        id="repeated",
    ),
    pytest.param(
        GENERATIVE,
        "optional bool include_thoughts = 1;",
        "bool include_thoughts = 1;",
        f"{V1BETA}.ThinkingConfig.include_thoughts: optional: facts true, protos absent",
        id="optional",
    ),
    pytest.param(
        f"{V1BETA_FOLDER}/cached_content.proto",
        "oneof expiration {",
        "oneof renamed { bool extra = 99; } oneof expiration {",
        f"{V1BETA}.CachedContent.extra: field: facts absent, protos present",
        id="oneof added",
    ),
    pytest.param(
        OPERATIONS,
        "oneof result {",
        "oneof outcome {",
        'google.longrunning.Operation.error: oneof: facts "result", protos "outcome"',
        id="oneof renamed",
    ),
    pytest.param(
        f"{V1_FOLDER}/model.proto",
        "string name = 1 [(google.api.field_behavior) = REQUIRED];",
        "string name = 1 [(google.api.field_behavior) = IDENTIFIER];",
        f'{V1}.Model.name: behavior: facts ["REQUIRED"], protos ["IDENTIFIER"]',
        id="field behaviour",
    ),
    pytest.param(
        f"{V1_FOLDER}/model.proto",
        "string description = 5;",
        "string description = 5 [deprecated = true];",
        f"{V1}.Model.description: deprecated: facts absent, protos true",
        id="field deprecated",
    ),
    pytest.param(
        f"{V1_FOLDER}/model_service.proto",
        '{type: "generativelanguage.googleapis.com/Model"}',
        '{child_type: "generativelanguage.googleapis.com/Model"}',
        f"{V1}.GetModelRequest.name: references.type:"
        ' facts "generativelanguage.googleapis.com/Model", protos absent',
        id="resource reference",
    ),
    pytest.param(
        f"{V1BETA_FOLDER}/file.proto",
        'pattern: "files/{file}"',
        'pattern: "files/{id}"',
        f'{V1BETA}.File: resource.pattern: facts ["files/{{file}}"], protos ["files/{{id}}"]',
        id="resource pattern",
    ),
    pytest.param(
        f"{V1_FOLDER}/model.proto",
        'pattern: "models/{model}"',
        'pattern: "models/{model}" plural: "models"',
        f'{V1}.Model: resource.plural: facts "", protos "models"',
        id="resource plural",
    ),
    pytest.param(
        f"{V1BETA_FOLDER}/file.proto",
        "FAILED = 10;",
        "FAILED = 3;",
        f"{V1BETA}.File.State.FAILED: number: facts 10, protos 3",
        id="enum value number",
    ),
    pytest.param(
        f"{V1BETA_FOLDER}/file.proto",
        "REGISTERED = 3;",
        "ENLISTED = 3;",
        f"{V1BETA}.File.Source.ENLISTED: value: facts absent, protos present",
        id="enum value renamed",
    ),
    pytest.param(
        f"{V1BETA_FOLDER}/safety.proto",
        "HARM_CATEGORY_CIVIC_INTEGRITY = 11 [deprecated = true];",
        "HARM_CATEGORY_CIVIC_INTEGRITY = 11;",
        f"{V1BETA}.HarmCategory.HARM_CATEGORY_CIVIC_INTEGRITY: deprecated: facts true, protos absent",
        id="enum value deprecated",
    ),
    pytest.param(
        f"{V1BETA_FOLDER}/file.proto",
        "enum Source {",
        "message Extra {} enum Source {",
        f"{V1BETA}.File.Extra: message: facts absent, protos present",
        id="nested message added",
    ),
    pytest.param(
        OPERATIONS,
        "service Operations {",
        "enum Extra { NOTHING = 0; } service Operations {",
        "google.longrunning.Extra: enum: facts absent, protos present",
        id="enum added",
    ),
    pytest.param(
        OPERATIONS,
        "service Operations {",
        "service Extra {} service Operations {",
        "google.longrunning.Extra: service: facts absent, protos present",
        id="service added",
    ),
    pytest.param(
        OPERATIONS,
        'default_host) = "longrunning.googleapis.com"',
        'default_host) = "localhost"',
        'google.longrunning.Operations: host: facts "longrunning.googleapis.com", protos "localhost"',
        id="host",
    ),
    pytest.param(
        OPERATIONS,
        "service Operations {",
        'service Operations { option (google.api.oauth_scopes) = "a,b";',
        'google.longrunning.Operations: oauth_scopes: facts absent, protos ["a", "b"]',
        id="option that the facts do not have",
    ),
    pytest.param(
        f"{V1BETA_FOLDER}/file_service.proto",
        "rpc DeleteFile(DeleteFileRequest)",
        "rpc RemoveFile(DeleteFileRequest)",
        f"{V1BETA}.FileService.DeleteFile: method: facts present, protos absent",
        id="method renamed",
    ),
    pytest.param(
        f"{V1BETA_FOLDER}/file_service.proto",
        "rpc DeleteFile(DeleteFileRequest) returns (google.protobuf.Empty)",
        "rpc DeleteFile(GetFileRequest) returns (google.protobuf.Empty)",
        f"{V1BETA}.FileService.DeleteFile: request:"
        f' facts "{V1BETA}.DeleteFileRequest", protos "{V1BETA}.GetFileRequest"',
        id="method request",
    ),
    pytest.param(
        f"{V1BETA_FOLDER}/file_service.proto",
        "rpc DeleteFile(DeleteFileRequest) returns (google.protobuf.Empty)",
        "rpc DeleteFile(DeleteFileRequest) returns (File)",
        f'{V1BETA}.FileService.DeleteFile: response: facts "google.protobuf.Empty", protos "{V1BETA}.File"',
        id="method response",
    ),
    pytest.param(
        GENERATIVE,
        "returns (stream GenerateContentResponse)",
        "returns (GenerateContentResponse)",
        f"{V1BETA}.GenerativeService.StreamGenerateContent: server_streaming: facts true, protos absent",
        id="server streaming",
    ),
    pytest.param(
        GENERATIVE,
        "rpc BidiGenerateContent(stream BidiGenerateContentClientMessage)",
        "rpc BidiGenerateContent(BidiGenerateContentClientMessage)",
        f"{V1BETA}.GenerativeService.BidiGenerateContent: client_streaming: facts true, protos absent",
        id="client streaming",
    ),
    pytest.param(
        GENERATIVE,
        'post: "/v1beta/{model=models/*}:countTokens"',
        'post: "/v1beta/{model=models/*}:tokens"',
        f"{V1BETA}.GenerativeService.CountTokens: http.post:"
        ' facts "/v1beta/{model=models/*}:countTokens", protos "/v1beta/{model=models/*}:tokens"',
        id="binding path",
    ),
    pytest.param(
        f"{V1BETA_FOLDER}/file_service.proto",
        'delete: "/v1beta/{name=files/*}"',
        'post: "/v1beta/{name=files/*}"',
        f'{V1BETA}.FileService.DeleteFile: http.post: facts absent, protos "/v1beta/{{name=files/*}}"',
        id="binding verb",
    ),
    pytest.param(
        f"{V1BETA_FOLDER}/permission_service.proto",
        'additional_bindings {\n        get: "/v1beta/{name=corpora/*/permissions/*}"\n      }\n',
        "",
        f"{V1BETA}.PermissionService.GetPermission: http.also:"
        ' facts [{"get": "/v1beta/{name=corpora/*/permissions/*}"}], protos absent',
        id="additional binding",
    ),
    pytest.param(
        GENERATIVE,
        'method_signature) = "model,content";',
        'method_signature) = "content,model";',
        f"{V1BETA}.GenerativeService.EmbedContent: signatures:"
        ' facts ["model,content"], protos ["content,model"]',
        id="signature",
    ),
    pytest.param(
        f"{V1BETA_FOLDER}/model_service.proto",
        'response_type: "TunedModel"',
        'response_type: "Model"',
        f'{V1BETA}.ModelService.CreateTunedModel: operation.response: facts "TunedModel", protos "Model"',
        id="operation type",
    ),
    pytest.param(
        OPERATIONS,
        "operation_info = 1049;",
        "operation_info = 1050;",
        f"{V1BETA}.ModelService.CreateTunedModel: operation:"
        ' facts {"response": "TunedModel", "metadata": "CreateTunedModelMetadata"}, protos absent',
        id="extension number",
    ),
    pytest.param(
        OPERATIONS,
        'import "google/api/annotations.proto";',
        'import "google/api/annotations.proto"; import "google/type/latlng.proto";',
        f'{OPERATIONS}: imports: facts ["google/api/annotations.proto", "google/api/client.proto",',
        id="import",
    ),
    pytest.param(
        f"{V1_FOLDER}/model.proto",
        f'java_package = "com.{V1}"',
        'java_package = "com.example"',
        f'{V1_FOLDER}/model.proto: options.java_package: facts "com.{V1}", protos "com.example"',
        id="file option",
    ),
    pytest.param(
        "call_policy.json",
        '"google.ai.generativelanguage.v1.ModelService", "method": "GetModel"',
        '"google.ai.generativelanguage.v1.ModelService", "method": "ForgetModel"',
        None,
        id="policy where Google has none",
    ),
    pytest.param(
        "call_policy.json",
        f'"{V1BETA}.TextService", "method": "GenerateText"',
        f'"{V1BETA}.TextService", "method": "ForgetText"',
        f"{V1BETA}.TextService.GenerateText: call_policy: facts",
        id="policy removed",
    ),
    pytest.param(
        "call_policy.json",
        '"method": "EvaluateInstances"}\n      ],\n      "timeout": "600s"',
        '"method": "EvaluateInstances"}\n      ],\n      "timeout": "700s"',
        f'{V1BETA}.GenerativeService.GenerateContent: call_policy.timeout: facts "600s", protos "700s"',
        id="policy changed",
    ),
]


def wire_diff(*arguments: str | Path) -> tuple[int, list[str]]:
    """Run the script as users do; its exit status and the lines that it prints."""
    run = subprocess.run(
        [sys.executable, ROOT / "scripts/wire-diff", *arguments], capture_output=True, text=True, check=False
    )
    assert run.returncode in (0, 1), run.stderr
    return run.returncode, run.stdout.splitlines()


@pytest.fixture
def protos(tmp_path: Path) -> Path:
    """A copy of protos/ to spoil."""
    return shutil.copytree(PROTOS, tmp_path / "protos")


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{old!r} must occur once in {path.name}"
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_facts_are_all_there() -> None:
    assert sorted(path.name for path in WIRE.glob("*.json")) == sorted(FACTS)


@pytest.mark.parametrize("name", FACTS)
def test_protos_equal_the_facts(name: str) -> None:
    assert wire_diff(WIRE / name) == (0, ["0 differences"])


def test_protos_hold_nothing_beyond_the_facts() -> None:
    assert wire_diff() == (0, ["0 differences"])


@pytest.mark.parametrize(("file", "old", "new", "difference"), EDITS)
def test_notices_an_edit(protos: Path, file: str, old: str, new: str, difference: str | None) -> None:
    edit(protos / file, old, new)
    status, lines = wire_diff("--protos", protos)
    *differences, total = lines
    assert total == f"{len(differences)} differences"
    if difference is None:
        assert (status, differences) == (0, [])
    else:
        assert status == 1
        assert any(line.startswith(difference) for line in differences), lines


def test_one_edit_is_one_difference(protos: Path) -> None:
    edit(protos / GENERATIVE, "FinishReason finish_reason = 2 [", "FinishReason finish_reason = 99 [")
    difference = f"{V1BETA}.Candidate.finish_reason: number: facts 2, protos 99"
    assert wire_diff("--protos", protos) == (1, [difference, "1 differences"])


def test_notices_a_missing_file(protos: Path) -> None:
    (protos / V1_FOLDER / "model_service.proto").unlink()
    difference = f"{V1_FOLDER}/model_service.proto: file: facts present, protos absent"
    assert wire_diff("--protos", protos) == (1, [difference, "1 differences"])


@pytest.mark.parametrize(
    "facts", [(), (WIRE / "generativelanguage_v1.json",)], ids=["all facts", "facts of v1"]
)
def test_notices_a_file_too_many(protos: Path, facts: tuple[Path, ...]) -> None:
    (protos / V1_FOLDER / "extra.proto").write_text('syntax = "proto3";\n', encoding="utf-8")
    difference = f"{V1_FOLDER}/extra.proto: file: facts absent, protos present"
    assert wire_diff("--protos", protos, *facts) == (1, [difference, "1 differences"])


def test_compares_only_what_the_given_facts_speak_of(protos: Path) -> None:
    edit(protos / GENERATIVE, "FinishReason finish_reason = 2 [", "FinishReason finish_reason = 99 [")
    assert wire_diff("--protos", protos, WIRE / "generativelanguage_v1.json") == (0, ["0 differences"])


def test_order_of_declarations_does_not_matter(protos: Path) -> None:
    path = protos / V1BETA_FOLDER / "file.proto"
    edit(path, "UPLOADED = 1;", "GENERATED_FIRST = 2;")
    edit(path, "GENERATED = 2;", "UPLOADED = 1;")
    edit(path, "GENERATED_FIRST = 2;", "GENERATED = 2;")
    assert wire_diff("--protos", protos) == (0, ["0 differences"])


def test_protos_that_do_not_compile_are_no_difference(protos: Path) -> None:
    edit(protos / GENERATIVE, "FinishReason finish_reason = 2 [", "FinishReason finish_reason 2 [")
    run = subprocess.run(
        [sys.executable, ROOT / "scripts/wire-diff", "--protos", protos],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 2
    assert "generative_service.proto" in run.stderr
    assert not run.stdout
