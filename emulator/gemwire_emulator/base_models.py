"""The base models of an emulator: the public ones, and those of its settings."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping

from google.protobuf import json_format

from gemwire_emulator.public_models import PUBLIC_MODELS, TEXT, VERTEX_MODELS, ModelKind
from gemwire_proto import v1beta

#: Names that are close to an unknown one, of which an error names as many.
_NEAR, _LIKENESS = 3, 0.5
#: What a new model is like if nobody says: the first that its name fits.
_LIKE = (
    ("embed", "gemini-embedding-001"),
    ("imagen", "imagen-4.0-generate-001"),
    ("veo", "veo-3.1-generate-preview"),
    ("live", "gemini-3.1-flash-live-preview"),
    ("native-audio", "gemini-3.1-flash-live-preview"),
    ("image", "gemini-3.1-flash-image"),
    ("tts", "gemini-3.1-flash-tts-preview"),
    ("", "gemini-2.5-flash"),
)
_SHORT_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}\Z")


class ModelCatalog:
    """The models that exist, and what each can do."""

    def __init__(self, entries: Iterable[object] = ()) -> None:
        """Take the public models, and further ones.

        Args:
            entries: For each further model its name; ``name=other``, to be like another model; or a mapping,
                a ``Model`` as JSON in which ``like`` may name that other. A name that exists is replaced.

        Raises:
            ValueError: An entry is invalid.
        """
        rows = {**PUBLIC_MODELS, **VERTEX_MODELS}
        self._kinds = {name: kind for name, (_, kind) in rows.items()}
        public = {name: _build_model(name, *row) for name, row in PUBLIC_MODELS.items()}
        self._vertex = {name: _build_model(name, *row) for name, row in VERTEX_MODELS.items()}
        self._models: dict[str, v1beta.Model] = {}
        for entry in entries:
            model, like = _parse_entry(entry, {**self._vertex, **public, **self._models})
            self._models[model.base_model_id] = model
            self._kinds[model.base_model_id] = self._kinds[like]
        # Those of the settings come first in lists.
        self._models = {**self._models, **{n: m for n, m in public.items() if n not in self._models}}

    def find(self, name: str, *, vertex: bool = False) -> v1beta.Model | None:
        """Return a model by its name, with or without ``models/``; with ``vertex`` those of Vertex AI too."""
        short = name.removeprefix("models/")
        return self._models.get(short) or (self._vertex.get(short) if vertex else None)

    def list_all(self, *, vertex: bool = False) -> list[v1beta.Model]:
        """Return all models in order, those of Vertex AI alone last and only with ``vertex``."""
        return [*self._models.values(), *(self._vertex.values() if vertex else ())]

    def get_kind(self, name: str) -> ModelKind:
        """Return what a model that exists is, with or without ``models/``; a tuned model is for text."""
        return self._kinds.get(name.removeprefix("models/"), TEXT)

    def get_methods(self, name: str) -> tuple[str, ...]:
        """Return the methods that a model supports, such as ``createCachedContent``; none if unknown."""
        model = self.find(name, vertex=True)
        return tuple(model.supported_generation_methods) if model is not None else ()

    def find_near(self, name: str) -> list[str]:
        """Return the names that are closest to an unknown one."""
        short = name.removeprefix("models/").lower()
        return difflib.get_close_matches(short, self._models, _NEAR, _LIKENESS)


def _build_model(name: str, title: str, kind: ModelKind) -> v1beta.Model:
    return v1beta.Model(
        name=f"models/{name}",
        base_model_id=name,
        version="001",
        display_name=title,
        output_token_limit=65_536,
        supported_generation_methods=kind.methods,
        temperature=1.0,
        max_temperature=2.0,
        top_p=0.95,
        top_k=64,
        thinking=kind.thinks,
    )


def _parse_entry(entry: object, known: Mapping[str, v1beta.Model]) -> tuple[v1beta.Model, str]:
    """Return the model of an entry, which is like another with what the entry says itself, and that other."""
    if isinstance(entry, str):
        name, equals, like = entry.partition("=")
        fields: dict[str, object] = {"name": name, **({"like": like} if equals else {})}
    elif isinstance(entry, Mapping):
        fields = dict(entry)
    else:
        raise ValueError(f"models: {entry!r} is neither a name nor an object")  # noqa: TRY004 - it is data
    short = str(fields.pop("name", "")).removeprefix("models/")
    if not _SHORT_NAME.match(short):
        raise ValueError(f"models: {short!r} is not the name of a model, such as gemini-2.5-flash")
    like = str(fields.pop("like", "")) or next(other for part, other in _LIKE if part in short)
    like = like.removeprefix("models/")
    base = known.get(like)
    if base is None:
        near = difflib.get_close_matches(like, known, 1, _LIKENESS)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise ValueError(f"models: {short} cannot be like {like!r}, which does not exist{hint}")
    model = v1beta.Model()
    model.CopyFrom(base)
    model.display_name = short
    if fields.keys() & {"supportedGenerationMethods", "supported_generation_methods"}:
        model.ClearField("supported_generation_methods")
    try:
        json_format.ParseDict(fields, model)
    except json_format.ParseError as error:
        raise ValueError(f"models: {short}: {error}") from None
    model.name, model.base_model_id = f"models/{short}", short
    return model, like
