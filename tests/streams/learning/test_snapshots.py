"""Snapshots: plain arrays come back as they were; nothing executable, nothing misshapen is read."""

from __future__ import annotations

import pickle

import msgspec
import numpy as np
import pytest

from streams.learning.snapshots import arrays_of, decode_snapshot, encode_snapshot, pack, snapshot, unpack

ARRAYS = {
    "f8": np.array([[1.5, -0.0], [np.pi, 1e300]]),
    "f4": np.float32([[[0.1]]]),
    "f2": np.float16([1.0, 2.0]),
    "u8": np.array([2**64 - 1], dtype=np.uint64),
    "i8": np.array([], dtype=np.int64),
    "u1": np.arange(5, dtype=np.uint8),
    "i1": np.int8([[-1], [1]]),
}


def test_arrays_cross_the_wire_bit_for_bit():
    back = arrays_of(decode_snapshot(encode_snapshot(snapshot("m", 3, 9, ARRAYS, {"loss": 0.5}, ["a"]))))
    for name, array in ARRAYS.items():
        assert (back[name].dtype, back[name].shape) == (array.dtype, array.shape)
        assert back[name].tobytes() == array.tobytes()


def test_equal_arrays_pack_to_equal_bytes_however_named_first():
    again = dict(reversed(list(ARRAYS.items())))
    assert pack(ARRAYS) == pack(again)
    assert pack(unpack(pack(ARRAYS))) == pack(ARRAYS)


def test_a_slice_or_a_transposed_array_is_written_as_it_reads():
    wide = np.arange(12.0).reshape(3, 4)
    back = arrays_of(snapshot("m", 1, 0, {"cut": wide[:, 1:3], "turned": wide.T}, {}, []))
    assert back["cut"].tolist() == wide[:, 1:3].tolist()
    assert back["turned"].tolist() == wide.T.tolist()


@pytest.mark.parametrize("kind", ["|O", "", "<U4", ">f8"])
def test_a_type_that_is_no_plain_number_is_refused(kind):
    made = snapshot("m", 1, 0, {"w": np.ones(1)}, {}, [])
    with pytest.raises(ValueError, match=f"array w has type '{kind}'" if kind != "|O" else "array w has type"):
        arrays_of(msgspec.structs.replace(made, dtypes={"w": kind}))


def test_bytes_that_do_not_fit_their_shape_are_refused():
    made = snapshot("m", 1, 0, {"w": np.ones(3)}, {}, [])
    for broken in ({"shapes": {"w": [4]}}, {"arrays": {"w": b"1234567"}}):
        with pytest.raises(ValueError, match=r"reshape|buffer size"):
            arrays_of(msgspec.structs.replace(made, **broken))


def test_a_pickle_is_no_snapshot():
    with pytest.raises(msgspec.MsgspecError):
        decode_snapshot(pickle.dumps({"w": 1}))


def test_an_array_of_objects_cannot_be_made_into_a_snapshot():
    with pytest.raises(KeyError):
        snapshot("m", 1, 0, {"w": np.array([object()])}, {}, [])
