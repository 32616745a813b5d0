"""protoc plugin that writes the package ``gemwire_proto``.

``model`` reads descriptors into plain values, the ``render_*`` modules turn
them into source text, ``__main__`` is what protoc runs.
What the generated package does at run time is written by hand, in ``runtime/``.
"""
