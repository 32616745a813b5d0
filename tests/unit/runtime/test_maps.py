"""Maps are known by their shape, since reading the option that says so imports slow modules."""

from __future__ import annotations

import pytest
from google.protobuf import descriptor_pool
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from gemwire_proto.families import FAMILIES
from gemwire_runtime.family import Family
from gemwire_runtime.message_init import is_map


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_the_shape_says_what_the_option_says(family: Family) -> None:
    pool = descriptor_pool.DescriptorPool()
    files = FileDescriptorSet.FromString(family.descriptor_set.read_bytes()).file
    for file in files:
        pool.Add(file)
    todo = [m for file in files for m in pool.FindFileByName(file.name).message_types_by_name.values()]
    found = 0
    while todo:
        message = todo.pop()
        todo += message.nested_types
        for field in message.fields:
            entry = field.message_type
            expected = entry is not None and entry.GetOptions().map_entry
            assert is_map(field) == expected, field.full_name
            found += expected
    assert found > 0
