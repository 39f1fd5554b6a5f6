"""The reader of Bicep that the other tests stand on."""

from pathlib import Path

import pytest

from tests.infra.bicep_text import BicepFile, items, literal, properties, read

SOURCE = """
// resource ghost 'A/b@1' = {}
@description('It\\'s, a {name}')
@secure()
param one string = 'a, // b'

/* var
hidden = 1 */
resource known 'A/b@1' existing = {
  name: 'x'
}

resource many 'A/c@2' = [
  for item in [1, 2]: if (item > 1) {
    name: '${item}:y'
    properties: {
      'key with space': true
      list: ['p', 'q']
      rows: [
        {
          a: 1 // one
        }
      ]
    }
  }
]

output two string = known.id
"""


@pytest.fixture
def file(tmp_path: Path) -> BicepFile:
    """Return the sample, read."""
    path = tmp_path / "sample.bicep"
    path.write_text(SOURCE)
    return read(path)


def test_declarations_are_found_and_comments_are_not(file: BicepFile) -> None:
    """Brackets, commas and slashes within strings do not mislead it."""
    found = [(declaration.kind, declaration.name) for declaration in file.declarations]
    assert found == [("param", "one"), ("resource", "known"), ("resource", "many"), ("output", "two")]


def test_decorators_belong_to_what_follows_them(file: BicepFile) -> None:
    """A description and `@secure()` are read with their parameter."""
    assert file.get("one").decorators == ("@description('It\\'s, a {name}')", "@secure()")
    assert file.get("known").decorators == ()


def test_resources_know_their_type_and_whether_they_are_only_referred_to(file: BicepFile) -> None:
    """Existing ones are told apart from those that are deployed."""
    assert [(one.resource_type, one.is_existing) for one in file.of("resource")] == [("A/b@1", True), ("A/c@2", False)]


def test_properties_are_read_through_loops_and_conditions(file: BicepFile) -> None:
    """Nested objects and arrays stay text until they are asked for."""
    body = file.get("many").body
    assert body["name"] == "'${item}:y'"
    inner = properties(body["properties"])
    assert inner["key with space"] == "true"
    assert [literal(item) for item in items(inner["list"])] == ["p", "q"]
    assert [properties(row) for row in items(inner["rows"])] == [{"a": "1"}]
