"""The hand-written part of the generated package ``gemwire_proto``.

``scripts/generate`` writes names and types; what they do stands here: the
descriptor pool and message classes (`pool`, `message_init`), method tables and
the interface of callers (`method`), and messages as Python objects (`views`,
`enums`, `well_known`).
"""
