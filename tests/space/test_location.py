from pathlib import Path

import pytest

from mlflow_genie_plugin.errors import UsageError
from mlflow_genie_plugin.space.location import (
    FileLocation,
    ModelLocation,
    SpaceLocation,
    parse_location,
    space_id_of,
)

ID = "01f0c29c258819faa4a7b971e56ee7eb"


@pytest.mark.parametrize(
    "text",
    [
        ID,
        ID.upper(),
        f" {ID}\n",
        f"genie:/{ID}",
        f"genie:///{ID}",
        f"https://adb-1.2.azuredatabricks.net/genie/rooms/{ID}",
        f"https://adb-1.2.azuredatabricks.net/genie/rooms/{ID}?o=123",
        f"https://host/genie/rooms/{ID}/chats/abc?o=1#top",
        f"https://host/genie/spaces/{ID}/",
        f"http://127.0.0.1:8080/genie/rooms/{ID}",
    ],
)
def test_a_space_is_an_id_a_location_or_an_address(text):
    assert parse_location(text) == SpaceLocation(ID)
    assert space_id_of(text) == ID


@pytest.mark.parametrize("text", ["m-" + "0a" * 16, "models:/sales/3", "models:/sales@champion", "runs:/abc/model"])
def test_a_model_is_an_id_or_a_uri(text):
    assert parse_location(text) == ModelLocation(text)


@pytest.mark.parametrize(
    "text", ["space.json", "./a/b.geniespace.json", "/tmp/x", "m-notes.json", "C:/x.json", "a b.json"]
)
def test_anything_else_is_a_file(text):
    assert parse_location(text) == FileLocation(Path(text))


def test_a_file_uri_is_a_file():
    assert parse_location("file:///tmp/x.json") == FileLocation(Path("/tmp/x.json"))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no location given"),
        ("genie:/", "is no space id"),
        ("genie:/sales", "'sales' is no space id"),
        (f"genie:/{ID}0", "is no space id"),
        ("https://host/sql/dashboards/1", "names no Genie space"),
        ("https://host/genie/rooms/new", "'new' is no space id"),
        ("s3://bucket/space.json", "no location that can be read"),
    ],
)
def test_what_names_nothing_is_refused_with_a_way_out(text, says):
    with pytest.raises(UsageError, match=r" — ") as refusal:
        parse_location(text)
    assert says in str(refusal.value)
