"""Keys of Arrow's text and binary values from their bytes, without a Python object for each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mlflow_genie_plugin.evaluation.hashing import Hashes, mixed, new_hashes

if TYPE_CHECKING:
    import pyarrow as pa

# Values looked at to see whether a column has few different ones; also how many are hashed at once.
_SAMPLE = 32_768
# The bytes of a word that belong to a value of which so many are left.
_MASKS = np.array([(1 << 8 * size) - 1 for size in range(9)], np.uint64)


def bytes_keys(array: pa.Array) -> Hashes:
    """Return a hash of each value's bytes; of each different value only once where values come often."""
    import pyarrow as pa

    if not (pa.types.is_large_string(array.type) or pa.types.is_large_binary(array.type)):
        is_text = pa.types.is_string(array.type) or pa.types.is_string_view(array.type)
        array = array.cast(pa.large_string() if is_text else pa.large_binary())
    keys, sample = new_hashes(len(array)), array[:_SAMPLE]
    if len(array) > _SAMPLE and len(sample.unique()) < _SAMPLE // 8:
        encoded = array.dictionary_encode()
        codes = encoded.indices.fill_null(0) if encoded.indices.null_count else encoded.indices
        # Half the time of brackets, which make indices of 64 bits first. No code is out of range, so none is clipped.
        return np.take(_hashed_bytes(encoded.dictionary), np.asarray(codes), out=keys, mode="clip")
    for low in range(0, len(array), _SAMPLE):
        keys[low : low + _SAMPLE] = _hashed_bytes(array[low : low + _SAMPLE])
    return keys


def _hashed_bytes(array: pa.Array) -> Hashes:
    """Return a hash of each value's bytes, eight at a time."""
    offsets = np.frombuffer(array.buffers()[1], np.int64)[array.offset : array.offset + len(array) + 1]
    begin, size = int(offsets[0]), int(offsets[-1] - offsets[0])
    padded = np.zeros(size + 8, np.uint8)
    if size:
        padded[:size] = np.frombuffer(array.buffers()[2], np.uint8)[begin : begin + size]
    # Every eight bytes that follow one another as one word, wherever they begin.
    words = np.ndarray((size + 1,), np.dtype("<u8"), padded, 0, (1,))
    start, length = offsets[:-1] - begin, np.diff(offsets)
    hashes = mixed(length.view(np.uint64), 44)
    places: Any = slice(None)
    while True:
        found = words[start] & _MASKS[np.minimum(length, 8)]
        found ^= hashes[places]
        hashes[places] = mixed(found, 45)
        more = np.flatnonzero(length > 8)
        if not len(more):
            return hashes
        places = more if isinstance(places, slice) else places[more]
        start, length = start[more] + 8, length[more] - 8
