"""The Generative Language API as Python messages, method tables and typed methods.

Everything here is written by ``scripts/generate`` from ``protos/``; nothing is
edited by hand. The messages live in a descriptor pool of their own (`POOL`),
so that Google's packages can be imported in the same process.

``gemwire_proto.google.…_pb2`` hold the messages under protoc's usual names,
``…_pb2_grpc`` the raw stubs and servicers; ``gemwire_proto.v1beta`` and
``gemwire_proto.v1`` give every message and enum of a version by its plain name
and hold, per service, a method table and typed methods.
"""

from gemwire_proto._pool import DESCRIPTOR_SET, POOL

__all__ = ["DESCRIPTOR_SET", "POOL"]
