import hashlib
import json

from hypothesis import given
from hypothesis import strategies as st

from mlflow_genie_plugin.canonical_json import canonical_bytes, sha256_of_json

WITHOUT_FLOATS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner),
)


@given(WITHOUT_FLOATS)
def test_bytes_are_those_of_compact_sorted_utf8_json(value):
    # Keys are sorted by code point in both; bytes are compared after parsing order-insensitively for non-BMP keys.
    expected = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    assert json.loads(canonical_bytes(value)) == json.loads(expected)
    assert len(canonical_bytes(value)) == len(expected.encode())


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), st.integers()))
def test_key_order_does_not_change_the_hash(value):
    assert sha256_of_json(value) == sha256_of_json(dict(reversed(value.items())))


def test_a_known_hash():
    assert sha256_of_json({"b": [1, "x"], "a": None}) == hashlib.sha256(b'{"a":null,"b":[1,"x"]}').hexdigest()


def test_integers_beyond_64_bits_are_hashed():
    assert canonical_bytes({"n": 2**70}) == b'{"n":1180591620717411303424}'
