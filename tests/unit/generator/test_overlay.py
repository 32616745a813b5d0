"""The merge of overlay protos, on small files: what is added where, and what is refused."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from google.api import annotations_pb2, client_pb2
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from present import present

from gemwire_runtime import json_only

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_ROOT = Path(__file__).parents[3]
_HEAD = 'syntax = "proto3"; package {}; '
_TARGET = """
import "google/api/annotations.proto";
// A thing.
message Thing {
  // Its kind.
  enum Kind { NONE = 0; }
  // Inside.
  message Inner { string a = 1; }
  string name = 1;
  optional int32 size = 2;
  oneof data { string text = 3; }
  Inner inner = 4;
}
message Other { Thing thing = 1; }
service Things {
  rpc Get(Thing) returns (Thing) { option (google.api.http) = {get: "/v1/{name=things/*}"}; }
  rpc Put(Thing) returns (Thing);
}
"""
_OVERLAY = """
import "shop/thing.proto";
import "gemwire/overlay/v1/options.proto";
import "google/api/annotations.proto";
import "google/protobuf/struct.proto";
option (gemwire.overlay.v1.merges_into) = "shop/thing.proto";
// Adds.
message Thing {
  option (gemwire.overlay.v1.extends) = true;
  // Adds inside.
  message Inner {
    option (gemwire.overlay.v1.extends) = true;
    // Anything.
    google.protobuf.Struct anything = 536870001;
  }
  // New inside.
  message Fresh { Fresh again = 1; }
  // Colours.
  enum Colour {
    // None.
    COLOUR_UNSPECIFIED = 0;
  }
  // Its labels.
  map<string, Fresh> labels = 536868864;
  // Whether.
  optional bool flag = 536870911;
  // The data.
  oneof data {
    // As bytes.
    bytes raw = 536870003;
  }
  Colour colour = 536870004;
}
// New.
message Request { Thing thing = 1; repeated New all = 2; }
// Also new.
message New { shop.Thing.Kind kind = 1; }
service Things {
  option (gemwire.overlay.v1.extends_service) = true;
  rpc Get(Thing) returns (Thing) {
    option (google.api.http) = {get: "/v2/{name=things/*}" additional_bindings {get: "/v3/{name=things/*}"}};
  }
  rpc Put(Thing) returns (Thing) { option (google.api.http) = {put: "/v1/{name=things/*}"}; }
  // Batches.
  rpc Batch(Request) returns (New) {
    option (gemwire.overlay.v1.http_only) = true;
    option (google.api.http) = {post: "/v1/things:batch" body: "*"};
  }
}
"""


@pytest.fixture(scope="module")
def generator() -> Iterator[Any]:
    sys.path.insert(0, str(_ROOT / "scripts"))
    import protoc_gen_gemwire.build
    import protoc_gen_gemwire.overlay

    yield protoc_gen_gemwire
    sys.path.remove(str(_ROOT / "scripts"))


@pytest.fixture
def merge(generator: Any, tmp_path: Path) -> Callable[..., Any]:
    """Compile a target and an overlay, and merge them."""
    options = "gemwire/overlay/v1/options.proto"
    original = _ROOT / "protos" / "overlay" / options

    def run(overlay: str = _OVERLAY, target: str = _TARGET, **others: str) -> Any:
        texts = {
            "shop/thing.proto": _HEAD.format("shop") + target,
            "overlay/extra/thing.proto": _HEAD.format("extra") + overlay,
            f"overlay/{options}": original.read_text(encoding="utf-8"),
            **{f"{name.replace('__', '/')}.proto": text for name, text in others.items()},
        }
        for name, text in texts.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        files = generator.build.compile_protos(tmp_path, _ROOT / ".buf" / "googleapis")
        return generator.overlay.merge(files)

    return run


def _file(merged: Any, name: str = "shop/thing.proto") -> Any:
    return next(file for file in merged.files if file.name == name)


def _pool(merged: Any) -> DescriptorPool:
    pool = DescriptorPool()
    for file in merged.files:
        pool.AddSerializedFile(file.SerializeToString())
    return pool


def test_fields_messages_and_enums_are_added(merge: Callable[..., Any]) -> None:
    merged = merge()
    assert not [file.name for file in merged.files if "overlay" in file.name or "gemwire" in file.name]
    pool = _pool(merged)
    thing = pool.FindMessageTypeByName("shop.Thing")
    assert [field.name for field in thing.fields] == [
        *("name", "size", "text", "inner"),
        *("labels", "flag", "raw", "colour"),
    ]
    assert [field.name for field in thing.oneofs_by_name["data"].fields] == ["text", "raw"]
    assert thing.fields_by_name["flag"].has_presence
    assert present(thing.fields_by_name["colour"].enum_type).full_name == "shop.Thing.Colour"
    assert present(thing.nested_types_by_name["Fresh"].fields[0].message_type).full_name == "shop.Thing.Fresh"
    assert [f.name for f in thing.nested_types_by_name["Inner"].fields] == ["a", "anything"]
    assert present(pool.FindMessageTypeByName("shop.New").fields[0].enum_type).full_name == "shop.Thing.Kind"
    made: Any = GetMessageClass(thing)(raw=b"x", flag=False, inner={"anything": {}})
    made.labels["a"].again.SetInParent()
    assert json_only.paths(made) == ["inner.anything", "labels", "raw", "flag"]
    assert json_only.suspect(made.SerializeToString())


def test_rpcs_and_bindings_are_added(merge: Callable[..., Any]) -> None:
    merged = merge()
    assert merged.http_only == {"shop.Things/Batch"}
    [service] = _file(merged).service
    rules = {method.name: method.options.Extensions[annotations_pb2.http] for method in service.method}
    assert list(rules) == ["Get", "Put", "Batch"]
    assert [rules["Get"].get, *(rule.get for rule in rules["Get"].additional_bindings)] == [
        f"/v{number}/{{name=things/*}}" for number in (1, 2, 3)
    ]
    assert rules["Put"].put == "/v1/{name=things/*}"
    batch = service.method[2]
    assert (batch.input_type, batch.output_type) == (".shop.Request", ".shop.New")
    assert [field.full_name for field, _ in batch.options.ListFields()] == ["google.api.http"]
    assert not batch.options.SerializeToString().count(b"\xe0\xbc\x18"), "the options of overlays are gone"


def test_services_are_added(merge: Callable[..., Any]) -> None:
    overlay = f"""{_BEGIN}
    import "google/api/client.proto";
    // Makes things.
    service Makers {{
      option (google.api.default_host) = "shop.example.com";
      // Makes one.
      rpc Make(Wish) returns (Wish) {{ {_HTTP_ONLY} {_HTTP} }}
    }}
    message Wish {{}}
    """
    merged = merge(overlay)
    assert merged.http_only == {"shop.Makers/Make"}
    things, makers = _file(merged).service
    assert (things.name, makers.name) == ("Things", "Makers")
    assert makers.options.Extensions[client_pb2.default_host] == "shop.example.com"
    [method] = makers.method
    assert (method.name, method.input_type) == ("Make", ".shop.Wish")
    said = {tuple(place.path): place.leading_comments for place in _file(merged).source_code_info.location}
    assert said[6, 1] == " Makes things.\n"
    assert said[6, 1, 2, 0].startswith(" Makes one.")


def test_comments_come_along(generator: Any, merge: Callable[..., Any]) -> None:
    file = _file(merge())
    said = {tuple(place.path): place.leading_comments for place in file.source_code_info.location}
    fields = {field.name: said.get((4, 0, 2, at), "") for at, field in enumerate(file.message_type[0].field)}
    assert fields["labels"] == f" Its labels.\n\n {generator.overlay.FIELD_NOTE}\n"
    assert fields["raw"].startswith(" As bytes.\n\n HTTP only")
    assert said[4, 0] == " A thing.\n"
    messages = {message.name: said[4, at] for at, message in enumerate(file.message_type) if (4, at) in said}
    assert (messages["New"], messages["Request"]) == (" Also new.\n", " New.\n")
    assert said[4, 0, 3, 0, 2, 1].startswith(" Anything.\n\n HTTP only")
    assert said[4, 0, 4, 1, 2, 0] == " None.\n"
    assert said[6, 0, 2, 2] == f" Batches.\n\n {generator.overlay.RPC_NOTE}\n"


def test_imports_follow_what_they_name(merge: Callable[..., Any]) -> None:
    merged = merge()
    assert list(_file(merged).dependency) == ["google/api/annotations.proto", "google/protobuf/struct.proto"]
    seen: set[str] = set()
    for file in merged.files:
        assert set(file.dependency) <= seen
        seen.add(file.name)


def test_nothing_that_is_given_is_changed(generator: Any, merge: Callable[..., Any], tmp_path: Path) -> None:
    merge()
    files = generator.build.compile_protos(tmp_path, _ROOT / ".buf" / "googleapis")
    before = [file.SerializeToString(deterministic=True) for file in files]
    first, second = (generator.overlay.merge(files) for _ in range(2))
    assert [file.SerializeToString(deterministic=True) for file in files] == before
    assert first == second


def test_without_overlays_nothing_happens(generator: Any, merge: Callable[..., Any], tmp_path: Path) -> None:
    merge()
    files = [
        file
        for file in generator.build.compile_protos(tmp_path, _ROOT / ".buf" / "googleapis")
        if "gemwire" not in file.name
    ]
    assert generator.overlay.merge(files) == generator.overlay.Merged(files, frozenset())


_OWN = """
import "gemwire/overlay/v1/options.proto";
import "google/api/annotations.proto";
option (gemwire.overlay.v1.snake_case_json) = true;
message Leaf {
  option (gemwire.overlay.v1.variants) = "kind=oak OakLeaf";
  optional string kind = 1;
  optional string full_name = 2;
}
service Trees {
  rpc Get(Leaf) returns (Leaf) { %s option (google.api.http) = {get: "/v1/leaf"}; }
}
"""


def test_a_file_of_its_own(generator: Any, tmp_path: Path) -> None:
    write = _writer(generator, tmp_path)
    merged = write(_OWN % "option (gemwire.overlay.v1.http_only) = true;")
    [file] = [file for file in merged.files if file.name == "trees/own.proto"]
    assert [field.json_name for field in file.message_type[0].field] == ["kind", "full_name"]
    assert merged.http_only == {"trees.v1.Trees/Get"}
    assert merged.variants == {"trees.v1.Leaf": ["kind=oak OakLeaf"]}
    assert "gemwire/overlay/v1/options.proto" not in file.dependency
    with pytest.raises(generator.overlay.OverlayError, match=r"Trees/Get: is in no public proto; set"):
        write(_OWN % "")
    with pytest.raises(generator.overlay.OverlayError, match=r"'kind' is not of the form field=value Name"):
        write(_OWN.replace("kind=oak OakLeaf", "kind") % "option (gemwire.overlay.v1.http_only) = true;")


def _writer(generator: Any, folder: Path) -> Callable[[str], Any]:
    """Return what compiles and merges a file that merges into no other."""

    def write(text: str) -> Any:
        overlays = folder / "overlay"
        for name, content in {
            "gemwire/overlay/v1/options.proto": (
                _ROOT / "protos/overlay/gemwire/overlay/v1/options.proto"
            ).read_text(),
            "trees/own.proto": _HEAD.format("trees.v1") + text,
        }.items():
            (overlays / name).parent.mkdir(parents=True, exist_ok=True)
            (overlays / name).write_text(content)
        files = generator.build.compile_protos(folder, _ROOT / ".buf" / "googleapis")
        return generator.overlay.merge(files)

    return write


_EXTENDS = "option (gemwire.overlay.v1.extends) = true;"
_SERVICE = "service Things { option (gemwire.overlay.v1.extends_service) = true;"
_HTTP = 'option (google.api.http) = {get: "/v1/x"};'
_HTTP_ONLY = "option (gemwire.overlay.v1.http_only) = true;"
_BEGIN = """
import "gemwire/overlay/v1/options.proto";
import "google/api/annotations.proto";
option (gemwire.overlay.v1.merges_into) = "shop/thing.proto";
"""


@pytest.mark.parametrize(
    ("overlay", "words"),
    [
        (f"message Thingg {{ {_EXTENDS} }}", "shop.Thingg: extends a message that does not exist"),
        ("message Thing { string a = 1; }", "shop.Thing: this name is taken; set the option extends"),
        ("enum Other { A = 0; }", "shop.Other: this name is taken"),
        (
            f"message Thing {{ {_EXTENDS} string a = 536868863; }}",
            "shop.Thing.a: 536868863 is not from 536868864 to 536870911",
        ),
        (f"message Thing {{ {_EXTENDS} string a = 5; }}", "shop.Thing.a: 5 is not from"),
        (
            f"message Thing {{ {_EXTENDS} string text = 536870001; }}",
            "shop.Thing.text: 'text' is the name of text",
        ),
        (
            f'message Thing {{ {_EXTENDS} string a = 536870001 [json_name = "size"]; }}',
            "shop.Thing.a: 'size' is the name of size",
        ),
        (
            f"message Thing {{ {_EXTENDS} oneof other {{ string a = 536870001; }} }}",
            "shop.Thing.other: a message that is extended has no such oneof",
        ),
        ("service Things {}", "shop.Things: this name is taken; set the option extends_service to add to it"),
        (
            f"service New {{ rpc Do(A) returns (A) {{ {_HTTP} }} }} message A {{}}",
            "shop.New.Do: is no RPC of the public protos; set the option http_only",
        ),
        (
            "service New { option (gemwire.overlay.v1.extends_service) = true; }",
            "shop.New: extends a service that does not exist",
        ),
        (
            f"{_SERVICE} rpc Do(A) returns (A); }} message A {{}}",
            "shop.Things.Do: has no google.api.http binding",
        ),
        (
            f"{_SERVICE} rpc Do(A) returns (A) {{ {_HTTP} }} }} message A {{}}",
            "shop.Things.Do: is no RPC of the public protos; set the option http_only",
        ),
        (
            f"{_SERVICE} rpc Get(A) returns (A) {{ {_HTTP_ONLY} {_HTTP} }} }} message A {{}}",
            "shop.Things.Get: is an RPC of the public protos, so it cannot be http_only",
        ),
    ],
)
def test_what_does_not_fit_is_refused(
    generator: Any, merge: Callable[..., Any], overlay: str, words: str
) -> None:
    with pytest.raises(generator.overlay.OverlayError) as caught:
        merge(_BEGIN + overlay)
    assert str(caught.value).startswith(f"extra/thing.proto: {words}")


def test_a_number_that_another_overlay_took(generator: Any, merge: Callable[..., Any]) -> None:
    more = _HEAD.format("extra") + _BEGIN + f"message Other {{ {_EXTENDS} bool a = 536870001; }}"
    again = more.replace("bool a", "bool b")
    with pytest.raises(
        generator.overlay.OverlayError, match=r"shop\.Other\.b: 536870001 is the number of a$"
    ):
        merge(overlay__a=more, overlay__b=again.replace("extra", "extras"))


def test_an_unknown_file(generator: Any, merge: Callable[..., Any]) -> None:
    with pytest.raises(
        generator.overlay.OverlayError, match=r"merges_into: there is no file shop/no\.proto$"
    ):
        merge(_BEGIN.replace("shop/thing", "shop/no"))


def test_one_package_for_two(generator: Any, merge: Callable[..., Any]) -> None:
    second = _HEAD.format("extra") + _BEGIN.replace("shop/thing", "market/stall")
    with pytest.raises(generator.overlay.OverlayError, match=r"package extra merges into"):
        merge(market__stall=_HEAD.format("market"), overlay__stall=second)


def test_a_circle_of_imports(generator: Any, merge: Callable[..., Any]) -> None:
    """The overlay's field has a type of a file that imports the target."""
    user = _HEAD.format("shop") + 'import "shop/thing.proto"; message User { Thing thing = 1; }'
    overlay = (
        'import "shop/user.proto";' + _BEGIN + f"message Thing {{ {_EXTENDS} shop.User user = 536870001; }}"
    )
    with pytest.raises(
        generator.overlay.OverlayError,
        match=r"^overlays make a circle of imports: shop/\w+\.proto imports shop/\w+\.proto imports shop/",
    ):
        merge(overlay, shop__user=user)


def test_names_that_clash_in_the_package(generator: Any, merge: Callable[..., Any]) -> None:
    """A value of an enum is a name of the whole package."""
    with pytest.raises(
        generator.overlay.OverlayError, match=r"^shop/thing\.proto: with its overlays: .*Thing"
    ):
        merge(_BEGIN + "enum Size { Thing = 0; }")
