"""Any image reference that can be written."""

from hypothesis import strategies as st

from scan_core.model.image import ImageReference

DIGEST = f"sha256:{'0a' * 32}"
_labels = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?", fullmatch=True)
hosts = st.one_of(
    st.lists(_labels, min_size=2, max_size=4).map(".".join),
    st.tuples(_labels, st.integers(1, 65535)).map(lambda parts: f"{parts[0]}:{parts[1]}"),
    st.just("localhost"),
)
repositories = st.lists(
    st.from_regex(r"[a-z0-9]{1,8}((\.|_|__|-{1,2})[a-z0-9]{1,8}){0,2}", fullmatch=True), min_size=1, max_size=4
).map("/".join)
tags = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,40}", fullmatch=True)
digests = st.binary(min_size=32, max_size=32).map(lambda content: f"sha256:{content.hex()}")


@st.composite
def references(draw: st.DrawFn) -> ImageReference:
    tag, digest = draw(
        st.one_of(tags.map(lambda it: (it, None)), digests.map(lambda it: (None, it)), st.tuples(tags, digests))
    )
    return ImageReference(registry=draw(hosts), repository=draw(repositories), tag=tag, digest=digest)  # type: ignore[arg-type]  # checked by pydantic
