"""The generator of the package ``gemwire_proto``, run by ``scripts/generate``.

``families`` is the table of what is generated. ``build`` compiles the protos with protoc and returns the
files, ``model`` reads descriptors into plain values, the ``render_*`` modules turn them into source text.
The code that the generated package uses at run time is in ``runtime/``.
"""
