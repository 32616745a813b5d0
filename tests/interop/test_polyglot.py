"""The protos serve other languages: protoc's generators, TypeScript and grpc-js take them without a word.

Everything comes from PyPI (protoc, buf, node) and, for the JavaScript packages that polyglot/package.json
pins, from npm; a machine with Python alone can run it.
"""

from __future__ import annotations

import json
import shutil
import sysconfig
from base64 import b64decode, b64encode
from pathlib import Path
from typing import Any

import node_packages
import pytest
from google.protobuf import json_format
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = (ROOT / "protos", ROOT / ".buf" / "googleapis")
# Those of the overlay are of no use elsewhere: they say what the generator merges.
PROTOS = sorted(path.relative_to(FOLDERS[0]).as_posix() for path in FOLDERS[0].glob("google/**/*.proto"))
POLYGLOT = Path(__file__).parent / "polyglot"

V1 = "google.ai.generativelanguage.v1"
V1BETA = "google.ai.generativelanguage.v1beta"
AIPLATFORM = "google.cloud.aiplatform.v1"
SERVICES = {
    f"{AIPLATFORM}.EvaluationService": "EvaluateInstances",
    f"{AIPLATFORM}.GenAiCacheService": "CreateCachedContent GetCachedContent UpdateCachedContent"
    " DeleteCachedContent ListCachedContents",
    f"{AIPLATFORM}.GenAiTuningService": "CreateTuningJob GetTuningJob ListTuningJobs CancelTuningJob"
    " RebaseTunedModel",
    f"{AIPLATFORM}.LlmUtilityService": "CountTokens ComputeTokens",
    f"{AIPLATFORM}.ModelGardenService": "GetPublisherModel Deploy",
    f"{AIPLATFORM}.ModelService": "UploadModel GetModel ListModels ListModelVersions"
    " ListModelVersionCheckpoints UpdateModel UpdateExplanationDataset"
    " DeleteModel DeleteModelVersion MergeVersionAliases ExportModel"
    " CopyModel ImportModelEvaluation BatchImportModelEvaluationSlices"
    " BatchImportEvaluatedAnnotations GetModelEvaluation"
    " ListModelEvaluations GetModelEvaluationSlice ListModelEvaluationSlices",
    f"{AIPLATFORM}.PredictionService": "Predict RawPredict StreamRawPredict DirectPredict DirectRawPredict"
    " StreamDirectPredict StreamDirectRawPredict StreamingPredict"
    " ServerStreamingPredict StreamingRawPredict Explain GenerateContent"
    " StreamGenerateContent EmbedContent",
    f"{V1}.GenerativeService": "GenerateContent StreamGenerateContent EmbedContent BatchEmbedContents"
    " CountTokens",
    f"{V1}.ModelService": "GetModel ListModels",
    f"{V1BETA}.CacheService": "ListCachedContents CreateCachedContent GetCachedContent UpdateCachedContent"
    " DeleteCachedContent",
    f"{V1BETA}.DiscussService": "GenerateMessage CountMessageTokens",
    f"{V1BETA}.FileService": "CreateFile ListFiles GetFile DeleteFile DownloadFile",
    f"{V1BETA}.GenerativeService": "GenerateContent GenerateAnswer StreamGenerateContent EmbedContent"
    " BatchEmbedContents CountTokens BidiGenerateContent",
    f"{V1BETA}.ModelService": "GetModel ListModels GetTunedModel ListTunedModels CreateTunedModel"
    " UpdateTunedModel DeleteTunedModel",
    f"{V1BETA}.PermissionService": "CreatePermission GetPermission ListPermissions UpdatePermission"
    " DeletePermission TransferOwnership",
    f"{V1BETA}.PredictionService": "Predict PredictLongRunning",
    f"{V1BETA}.RetrieverService": "CreateCorpus GetCorpus UpdateCorpus DeleteCorpus ListCorpora QueryCorpus"
    " CreateDocument GetDocument UpdateDocument DeleteDocument ListDocuments QueryDocument CreateChunk"
    " BatchCreateChunks GetChunk UpdateChunk BatchUpdateChunks DeleteChunk BatchDeleteChunks ListChunks",
    f"{V1BETA}.TextService": "GenerateText EmbedText BatchEmbedText CountTextTokens",
}
# Method: whether the client streams, whether the server does.
STREAMS = {
    **dict.fromkeys(("StreamGenerateContent", "StreamRawPredict", "ServerStreamingPredict"), (False, True)),
    **dict.fromkeys(("BidiGenerateContent", "StreamDirectPredict", "StreamDirectRawPredict"), (True, True)),
    **dict.fromkeys(("StreamingPredict", "StreamingRawPredict"), (True, True)),
}

REPLY = {
    "candidates": [
        {
            "content": {"role": "model", "parts": [{"text": "Grüezi 👋", "thought": True}, {"text": ""}]},
            "finishReason": "MAX_TOKENS",
            "safetyRatings": [{"category": "HARM_CATEGORY_HARASSMENT", "probability": "LOW"}],
            "avgLogprobs": -0.125,
            "index": 0,
        }
    ],
    "usageMetadata": {"promptTokenCount": 3, "totalTokenCount": 2147483647},
    "modelVersion": "gemini-2.0-flash",
}


def tool(name: str) -> str:
    """A program of this environment, whether or not the environment is on the PATH."""
    path = shutil.which(name, path=sysconfig.get_path("scripts"))
    if path is None:
        pytest.fail(f"{name} is not in this environment: run scripts/setup")
    return path


def run(*command: str | Path, cwd: Path = ROOT, timeout: float = 60) -> tuple[int, str]:
    """The exit code and all that was said."""
    return node_packages.run(*command, folder=POLYGLOT, cwd=cwd, timeout=timeout)


def protoc(*arguments: str) -> tuple[int, str]:
    return run(tool("protoc"), *(f"-I{folder}" for folder in FOLDERS), *arguments)


def _without_known(said: str) -> str:
    """Leave out the one warning that is Google's to mend: an import of which nothing is used."""
    lines = said.splitlines(keepends=True)
    return "".join(line for line in lines if not ("model_service.proto" in line and "is unused" in line))


def node(*arguments: str | Path, cwd: Path = ROOT) -> str:
    code, said = run(node_packages.BIN / "node", *arguments, cwd=cwd)
    assert code == 0, said
    return said


@pytest.fixture(scope="module")
def modules() -> Path:
    """The npm packages, installed when the lock file asks for others than are there."""
    return node_packages.install(POLYGLOT)


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> DescriptorPool:
    """The protos as protoc reads them, owing nothing to generated/."""
    image = tmp_path_factory.mktemp("image") / "protos.binpb"
    code, said = protoc("--include_imports", f"--descriptor_set_out={image}", *PROTOS)
    assert (code, _without_known(said)) == (0, "")
    found = DescriptorPool()
    for file in FileDescriptorSet.FromString(image.read_bytes()).file:
        found.Add(file)
    return found


@pytest.mark.parametrize(
    ("language", "suffix", "options"),
    [
        pytest.param("cpp", ".pb.h", (), id="C++"),
        # Without it all C# files go into one folder, where v1 and v1beta have files of one name.
        pytest.param("csharp", ".cs", ("--csharp_opt=base_namespace=",), id="C#"),
        pytest.param("java", ".java", (), id="Java"),
        pytest.param("kotlin", ".kt", (), id="Kotlin"),
        pytest.param("objc", ".pbobjc.h", (), id="Objective-C"),
        pytest.param("php", ".php", (), id="PHP"),
        pytest.param("python", "_pb2.py", (), id="Python"),
        pytest.param("pyi", "_pb2.pyi", (), id="Python stubs"),
        pytest.param("ruby", "_pb.rb", (), id="Ruby"),
    ],
)
def test_protoc_generates_without_a_warning(
    language: str, suffix: str, options: tuple[str, ...], tmp_path: Path
) -> None:
    code, said = protoc(f"--{language}_out={tmp_path}", *options, *PROTOS)
    assert (code, _without_known(said)) == (0, "")

    files = [path for path in tmp_path.rglob("*") if path.name.endswith(suffix)]
    assert len(files) >= len(PROTOS)
    # Some generators write one file a message, others one file a proto: all must hold both versions' words.
    text = "".join(path.read_text(encoding="utf-8") for path in files)
    assert text.count("GenerateContentRequest") > 1
    assert "PredictLongRunningRequest" in text


@pytest.mark.timeout(300)
def test_typescript_and_python_read_each_other(modules: Path, pool: DescriptorPool, tmp_path: Path) -> None:
    # As protos/README.md says it, by the template that users have.
    assert run(tool("buf"), "generate", "-o", tmp_path) == (0, "")
    # node and tsc look for packages beside the importing file or above it, nowhere else.
    (tmp_path / "node_modules").symlink_to(modules)
    for name in ("exchange.ts", "package.json", "tsconfig.json"):
        shutil.copy(POLYGLOT / name, tmp_path)
    node(modules / "typescript" / "bin" / "tsc", cwd=tmp_path)
    response = message(pool, "GenerateContentResponse")
    reply = b64encode(json_format.ParseDict(REPLY, response()).SerializeToString()).decode()
    program = (
        'import { exchange } from "./out/exchange.js"; console.log(JSON.stringify(exchange(process.argv[1])))'
    )

    told: dict[str, Any] = json.loads(node("--input-type=module", "--eval", program, reply, cwd=tmp_path))

    assert told["method"] == f"{V1BETA}.GenerativeService/GenerateContent"
    request = message(pool, "GenerateContentRequest").FromString(b64decode(told["binary"]))
    assert json_format.MessageToDict(request) == told["json"]
    assert json_format.ParseDict(told["json"], type(request)()) == request
    # The request holds what exchange.ts put in, not merely the same emptiness on both sides.
    assert request.tools[0].function_declarations[0].parameters.properties["days"].max_items == 2**53 + 1
    assert request.generation_config.HasField("temperature")
    assert told["reply"] == REPLY


def message(pool: DescriptorPool, name: str) -> Any:
    return GetMessageClass(pool.FindMessageTypeByName(f"{V1BETA}.{name}"))


@pytest.mark.timeout(300)
@pytest.mark.usefixtures("modules")
def test_node_loads_every_service_at_run_time() -> None:
    loaded: dict[str, dict[str, list[Any]]] = json.loads(node(POLYGLOT / "services.mjs", *FOLDERS))

    assert loaded.pop("google.longrunning.Operations")
    assert loaded == {
        service: {
            method: [f"/{service}/{method}", *STREAMS.get(method, (False, False))]
            for method in methods.split()
        }
        for service, methods in SERVICES.items()
    }


def test_npm_packages_are_pinned_and_name_no_host() -> None:
    lock = (POLYGLOT / "package-lock.json").read_text(encoding="utf-8")
    packages = json.loads(lock)["packages"]
    wanted: dict[str, str] = json.loads((POLYGLOT / "package.json").read_text(encoding="utf-8"))[
        "dependencies"
    ]

    assert "://" not in lock
    assert {name: packages[f"node_modules/{name}"]["version"] for name in wanted} == wanted
    assert all("integrity" in package for path, package in packages.items() if path)
