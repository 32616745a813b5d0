"""protoc plugin that writes the package ``gemwire_proto``.

``model`` reads descriptors into plain values, the ``render_*`` modules turn
them into source text, ``__main__`` is what protoc runs. ``runtime`` holds the
few modules that the generated package needs and that no proto decides; they
are copied as they are.
"""
