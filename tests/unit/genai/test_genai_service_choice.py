"""Which service a client calls, where, and by which names: by table, and beside google-genai."""

from __future__ import annotations

import warnings
from typing import Any

import google.auth.credentials
import pytest

from gemwire import genai
from gemwire._transport import endpoint
from gemwire.genai._backends.base import VertexTarget
from gemwire.genai._backends.vertex.labels import check_labels
from gemwire.genai._backends.vertex.names import Names
from gemwire.genai.service_choice import choose_service
from gemwire_proto.aiplatform_v1.llm_utility_service import SERVICE

NAMES = Names(VertexTarget("p", "us-central1"))
EXPRESS = Names(VertexTarget("", ""))
PARENT = "projects/p/locations/us-central1"


class Credentials(google.auth.credentials.Credentials):
    """A token, with the project that it is of."""

    def __init__(self, project: str | None = None) -> None:
        super().__init__()
        self.token = "t"
        self.project_id = project

    def refresh(self, request: object) -> None:
        raise AssertionError("the token is valid")


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("USE_ENTERPRISE", "USE_VERTEXAI"):
        monkeypatch.delenv(f"GOOGLE_GENAI_{name}", raising=False)
    for name in ("GOOGLE_CLOUD_PROJECT", "GOOGLE_CLOUD_LOCATION", "GOOGLE_API_KEY", "GEMINI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    # No credentials of this machine are looked for.
    monkeypatch.setenv("GEMINI_EMULATOR_HOST", "127.0.0.1:1")


def choose(**arguments: Any) -> VertexTarget | None:
    names = ("enterprise", "vertexai", "project", "location", "api_key", "credentials")
    return choose_service(*(arguments.get(name) for name in names))


V = {"vertexai": True}
PROJECT, LOCATION, KEY = "GOOGLE_CLOUD_PROJECT", "GOOGLE_CLOUD_LOCATION", "GOOGLE_API_KEY"


@pytest.mark.parametrize(
    ("arguments", "environment", "expected"),
    [
        ({}, {}, None),
        ({"vertexai": False}, {"GOOGLE_GENAI_USE_VERTEXAI": "true"}, None),
        ({}, {"GOOGLE_GENAI_USE_VERTEXAI": "yes"}, None),
        ({}, {"GOOGLE_GENAI_USE_VERTEXAI": "TRUE", PROJECT: "e"}, ("e", "global")),
        ({}, {"GOOGLE_GENAI_USE_ENTERPRISE": "1", PROJECT: "e"}, ("e", "global")),
        ({"enterprise": True, "project": "p"}, {}, ("p", "global")),
        ({**V, "enterprise": True, "project": "p"}, {}, ("p", "global")),
        ({**V, "project": "p"}, {}, ("p", "global")),
        ({**V, "project": "p", "location": "eu"}, {}, ("p", "eu")),
        ({**V, "project": "p"}, {LOCATION: "us-east1"}, ("p", "us-east1")),
        ({**V, "location": "us"}, {PROJECT: "e"}, ("e", "us")),
        ({**V, "api_key": "k"}, {}, ("", "")),
        ({**V, "api_key": "k"}, {PROJECT: "e", LOCATION: "us"}, ("", "")),
        ({**V, "api_key": "k", "project": "p", "location": "us"}, {}, ("p", "us")),
        ({**V, "project": "p"}, {KEY: "k"}, ("p", "global")),
        (V, {PROJECT: "e", KEY: "k"}, ("e", "global")),
        (V, {KEY: "k"}, ("", "")),
        (V, {"GEMINI_API_KEY": "k"}, ("", "")),
        ({**V, "credentials": Credentials("c")}, {KEY: "k"}, ("c", "global")),
        ({**V, "credentials": Credentials("c")}, {PROJECT: "e"}, ("e", "global")),
    ],
)
def test_decisions(
    arguments: dict[str, Any],
    environment: dict[str, str],
    expected: tuple[str, str] | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert choose(**arguments) == expected


def test_variables_that_differ_are_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_GENAI_USE_ENTERPRISE", "false")
    monkeypatch.setenv("GOOGLE_GENAI_USE_VERTEXAI", "true")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert choose() is None
    assert "GOOGLE_GENAI_USE_ENTERPRISE counts" in str(caught[0].message)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (V, "project: Vertex AI needs one, with an emulator too; pass project, or set GOOGLE_CLOUD_PROJECT"),
        ({**V, "location": "us"}, "project: Vertex AI needs one"),
        ({**V, "api_key": "k", "credentials": Credentials()}, "api_key and credentials are mutually"),
        ({**V, "api_key": "k", "project": "p"}, "location: is needed beside api_key and project; add it, or"),
        ({**V, "api_key": "k", "location": "us"}, "project: is needed beside api_key and location; add it"),
        ({**V, "enterprise": False}, "enterprise and vertexai: are the same option and differ"),
        ({"project": "p"}, "project: Vertex AI only; set vertexai=True"),
        ({"location": "us"}, "location: Vertex AI only; set vertexai=True"),
        (
            {**V, "project": "p", "location": "Mars 1"},
            "location: 'Mars 1' is not a location; give a region",
        ),
        ({**V, "project": "p", "location": "us-central1/"}, "location: 'us-central1/' is not a location"),
        ({**V, "project": "p", "location": "https://a"}, "location: 'https://a' is not a location"),
    ],
)
def test_bad_arguments_are_named(arguments: dict[str, Any], error: str) -> None:
    with pytest.raises(ValueError, match="^" + error):
        genai.Client(**arguments)


def test_bad_types_are_named() -> None:
    wrong: Any = 5
    with pytest.raises(TypeError, match=r"^project: expected a string, got int"):
        genai.Client(vertexai=True, project=wrong)
    with pytest.raises(ValueError, match=r"^http_options\.api_version: 'v1beta' is not one of v1beta1, v1"):
        genai.Client(vertexai=True, project="p", http_options={"api_version": "v1beta"})


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("m", f"{PARENT}/publishers/google/models/m"),
        ("models/m", f"{PARENT}/publishers/google/models/m"),
        ("google/m", f"{PARENT}/publishers/google/models/m"),
        ("meta/m-1@2", f"{PARENT}/publishers/meta/models/m-1@2"),
        ("publishers/x/models/m", f"{PARENT}/publishers/x/models/m"),
        ("endpoints/5", f"{PARENT}/endpoints/5"),
        (f"{PARENT}/endpoints/5", f"{PARENT}/endpoints/5"),
        (f"{PARENT}/publishers/google/models/m", f"{PARENT}/publishers/google/models/m"),
        ("projects/q/locations/us-central1/endpoints/5", "projects/q/locations/us-central1/endpoints/5"),
        ("projects/q/locations/global/endpoints/5", "projects/q/locations/global/endpoints/5"),
    ],
)
def test_names_of_models(given: str, expected: str) -> None:
    assert NAMES.to_model(given) == expected


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ("", "model: '' is not a name, such as 'gemini-2.5-flash'"),
        ("a..b", "model: 'a..b' is not a name"),
        ("a?b", r"model: 'a\?b' is not a name"),
        ("a&b", "model: 'a&b' is not a name"),
        ("tunedModels/t", "model: 'tunedModels/t' belongs to the Gemini API"),
        ("models/5", "model: 'models/5' is a tuned model, .* give tuned_model.endpoint"),
        ("models/5@2", "model: 'models/5@2' is a tuned model"),
        (f"{PARENT}/models/5", "model: '.*' is a tuned model"),
        ("12345", "model: '12345' is not the name of a model; an endpoint is 'endpoints/12345'"),
        ("projects/p/locations/eu/endpoints/5", "model: .* is in eu, but the client calls us-central1"),
        ("projects/p", "model: 'projects/p' names no resource"),
    ],
)
def test_bad_names_of_models(given: str, error: str) -> None:
    with pytest.raises(ValueError, match=f"^{error}"):
        NAMES.to_model(given)


def test_names_in_express_mode() -> None:
    assert EXPRESS.to_model("m") == "publishers/google/models/m"
    assert EXPRESS.to_model("endpoints/5") == "endpoints/5"
    with pytest.raises(ValueError, match=r"^project and location: are needed for this"):
        EXPRESS.to_resource("5", "cachedContents")


@pytest.mark.parametrize(
    "given", ["projects/p/locations/l/models/m", "publishers/google/models/m", "endpoints/5"]
)
def test_names_of_vertex_ai_on_the_gemini_api(given: str) -> None:
    with genai.Client(api_key="k") as client, pytest.raises(ValueError, match="use vertexai=True"):
        client.models.generate_content(model=given, contents="a")


def test_names_as_google_genai_completes_them() -> None:
    transformers = pytest.importorskip("google.genai._transformers", reason="google-genai")

    class Client:
        """What google-genai's functions ask of a client."""

        vertexai, project, location = True, "p", "us-central1"

    theirs: Any = Client()
    for model in ("m", "google/m", "meta/m", "publishers/x/models/m", f"{PARENT}/publishers/google/models/m"):
        full = transformers.t_caches_model(theirs, model)
        assert NAMES.to_model(model) == full
        assert full.endswith(transformers.t_model(theirs, model))
    for name in (
        "5",
        "cachedContents/5",
        "locations/us-central1/cachedContents/5",
        f"{PARENT}/cachedContents/5",
    ):
        expected = transformers._resource_name(theirs, name, collection_identifier="cachedContents")
        assert NAMES.to_resource(name, "cachedContents") == expected
    for name in ("5", f"{PARENT}/batchPredictionJobs/5"):
        found = NAMES.to_resource(name, "batchPredictionJobs")
        assert found.rpartition("/")[2] == transformers.t_batch_job_name(theirs, name)


@pytest.mark.parametrize("location", ["global", "us", "eu", "us-central1", "europe-west4", "me-central2"])
def test_hosts_are_those_of_google_genai(location: str) -> None:
    google = pytest.importorskip("google.genai", reason="google-genai")
    theirs = google.Client(vertexai=True, project="p", location=location, credentials=Credentials())
    base = theirs._api_client._http_options.base_url
    assert base.removeprefix("https://").rstrip("/") == endpoint.service_host(SERVICE, location)


GOOD = "a" * 63
BEYOND = "\U0001e900"  # an upper-case letter beyond the BMP
LETTER = "\U00020000"  # a letter beyond the BMP


@pytest.mark.parametrize(
    "labels",
    [{"a": ""}, {GOOD: GOOD}, {LETTER * 63: LETTER * 63}, {"a-_1": "-1_"}, {"ß": "٣"}, {"a": "1"}],
)
def test_labels(labels: dict[str, str]) -> None:
    check_labels(labels)


@pytest.mark.parametrize(
    ("labels", "error"),
    [
        ({"": "a"}, "a key is empty"),
        ({"1a": "a"}, "the key '1a' does not begin with a lowercase letter"),
        ({"-a": "a"}, "does not begin with a lowercase letter"),
        ({"_a": "a"}, "does not begin with a lowercase letter"),
        ({"A": "a"}, "does not begin with a lowercase letter"),
        ({"\u01c5": "a"}, "does not begin with a lowercase letter"),
        ({BEYOND: "a"}, "does not begin with a lowercase letter"),
        ({"a" * 64: "a"}, "has 64 characters; 63 are allowed"),
        ({"a": LETTER * 64}, "the value of 'a', .* has 64 characters"),
        ({"aB": "a"}, "the key 'aB' has 'B'"),
        ({"a": "b c"}, "the value of 'a', 'b c' has ' '"),
        ({"a": "a\u0301"}, "the value of 'a', .* lowercase letters, digits, _ and - are allowed"),
    ],
)
def test_labels_that_break_the_rule(labels: dict[str, str], error: str) -> None:
    with (
        genai.Client(vertexai=True, project="p") as client,
        pytest.raises(ValueError, match=f"^config.labels: .*{error}"),
    ):
        client.models.generate_content(model="m", contents="a", config={"labels": labels})
