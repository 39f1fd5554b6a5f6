"""Images by name: each told from the others by no more than it takes."""

from hypothesis import given
from hypothesis import strategies as st

from scan_core.model.target import ImageTarget
from scan_core.rules.image_names import full_name, short_digest, short_names
from tests.rules.builders import image


def test_one_is_called_by_its_repository() -> None:
    """Nothing else has to be told."""
    assert short_names([image()]) == {image(): "team/app"}
    assert short_names([image(), image("web")]) == {image(): "team/app", image("web"): "web"}


def test_what_differs_is_told() -> None:
    """Platform, digest or registry, where the name is the same."""
    arm, newer, elsewhere = image(platform="arm64"), image(digit="b"), image(registry="c.d")
    assert list(short_names([image(), arm]).values()) == ["team/app (linux/amd64)", "team/app (linux/arm64)"]
    assert list(short_names([image(), newer]).values()) == [
        "team/app (sha256:aaaaaaaaaaaa…)",
        "team/app (sha256:bbbbbbbbbbbb…)",
    ]
    assert list(short_names([image(), elsewhere]).values()) == ["a.b/team/app", "c.d/team/app"]


def test_a_long_name_keeps_its_end() -> None:
    """Where names differ."""
    (name,) = short_names([image(f"{'x' * 100}/app")]).values()
    assert (len(name), name[0], name[-4:]) == (48, "…", "/app")


def test_the_full_name_leads_back() -> None:
    """Reference and platform."""
    assert full_name(image()) == f"a.b/team/app@sha256:{'a' * 64} linux/amd64"
    assert short_digest("sha256:abc") == "sha256:abc"


_IMAGES = st.builds(
    image,
    st.sampled_from(["x", "y"]),
    st.sampled_from(["amd64", "arm64"]),
    st.sampled_from("ab"),
    st.sampled_from(["p.q", "r.s"]),
)


@given(st.lists(_IMAGES, max_size=8))
def test_no_two_share_a_name(images: list[ImageTarget]) -> None:
    """Whatever they have in common."""
    names = short_names(images)
    assert len(set(names.values())) == len(names) == len(set(images))
