"""What reports of images say: the layer of each finding, and the image itself."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scan_core.qscanner.foreign import image_contradiction
from scan_core.qscanner.image_statements import LONGEST_COMMAND, full_layer, layer_commands, stated_layer
from tests.qscanner.samples import read, result, run, sarif, software

BASE, APPLICATION, OTHER = "a1" * 32, "b2" * 32, "c3" * 32
LAYERS = [
    {"LayerContentHash": f"sha256:{BASE}", "Command": "ADD rootfs.tar / # buildkit"},
    {"LayerContentHash": APPLICATION.upper(), "Command": "COPY . /app"},
]


def finding(layer: Any, properties: Any = None, **other: Any) -> Any:
    """The one finding of a report about an image."""
    packages = [software(layerSHA=layer)]
    return read(
        sarif(run([result(packages=packages)], properties=properties or {"layerInfo": LAYERS}, **other))
    ).findings[0]


class TestLayers:
    @pytest.mark.parametrize(
        "said", [BASE, f"sha256:{BASE}", BASE.upper(), f"SHA256:{BASE}", BASE[:12], [f"sha256:{BASE}"], f" {BASE} "]
    )
    def test_the_layer_of_a_finding_is_its_whole_hash(self, said: Any) -> None:
        """However it is written."""
        found = finding(said)
        assert (found.layer, found.layer_command) == (BASE, "ADD rootfs.tar / # buildkit")

    @pytest.mark.parametrize("said", [None, "", "latest", 7, {}, [], "a1" * 3, "sha256:", "f" * 65, "f" * 12])
    def test_what_is_no_hash_is_no_layer(self, said: Any) -> None:
        """Nor is one that is shortened and names none."""
        assert finding(said).layer is None

    def test_a_shortened_hash_that_names_several_names_none(self) -> None:
        """Rather than the wrong one."""
        assert full_layer(BASE[:12], {BASE: "", BASE[:40] + "0" * 24: ""}) is None

    def test_a_layer_without_a_command_has_none(self) -> None:
        """Also where the image does not list it."""
        assert finding(OTHER).layer == OTHER
        assert finding(OTHER).layer_command is None
        assert finding(BASE, {"layerInfo": [{"LayerContentHash": BASE}]}).layer_command is None

    @pytest.mark.parametrize(
        "properties",
        [
            {"LayerInfo": [{"layerContentHash": BASE, "command": "RUN x"}]},
            {"layer_info": {"layer-content-hash": BASE, "COMMAND": "RUN x"}},
            {"layers": [None, 7, {"digest": f"sha256:{BASE}", "created_by": "RUN x"}]},
        ],
    )
    def test_layers_are_read_in_any_spelling(self, properties: Any) -> None:
        """A list, or one alone."""
        assert finding(BASE, properties).layer_command == "RUN x"

    def test_a_hostile_command_is_one_short_printable_line(self) -> None:
        """Whoever built the image wrote it."""
        hostile = "RUN \u202eecho\x1b[2J\n<script>" + "x" * 5_000
        command = finding(BASE, {"layerInfo": [{"LayerContentHash": BASE, "Command": hostile}]}).layer_command
        assert len(command) == LONGEST_COMMAND
        assert command.isprintable()
        assert command.startswith("RUN echo")

    def test_the_layer_is_no_part_of_what_a_finding_is(self) -> None:
        """The same finding from a rebuilt image has the same key."""
        assert finding(BASE).key == finding(APPLICATION).key

    def test_properties_may_come_before_or_after_the_results(self) -> None:
        """JSON has no order."""
        document = sarif(run([result(packages=[software(layerSHA=BASE)])]))
        document["runs"][0] = {"properties": {"layerInfo": LAYERS}} | document["runs"][0]
        assert read(document).findings[0].layer_command == "ADD rootfs.tar / # buildkit"

    def test_a_report_of_a_repository_has_no_layers(self) -> None:
        """As before."""
        report = read(sarif())
        assert (report.findings[0].layer, report.image_digests, report.image_ids) == (None, (), ())

    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=80),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(["layerInfo", "layers", "LayerContentHash", "Command", "layerSHA"]), inner
                )
            ),
            max_leaves=12,
        )
    )
    def test_whatever_stands_there_is_read_or_passed_over(self, value: Any) -> None:
        """Never an error."""
        assert all(len(layer) == 64 for layer in layer_commands(value))
        assert len(stated_layer(value)) in {0, *range(12, 65)}


class TestImages:
    @pytest.mark.parametrize(
        ("properties", "artifact"),
        [
            ({"imageDigest": f"sha256:{BASE}"}, {}),
            ({"ImageDigest": BASE.upper()}, {}),
            ({"repoDigests": [f"r.example/web@sha256:{OTHER}", f"r.example/web@sha256:{BASE}"]}, {}),
            ({}, {"repoDigest": f"r.example/web@sha256:{BASE}"}),
            ({"imageDigest": OTHER, "imageID": BASE}, {}),
            ({"imageId": OTHER}, {"imageID": OTHER}),
            ({"imageDigest": "latest"}, {"repoDigest": None}),
            ({}, {}),
        ],
    )
    def test_a_report_that_names_the_image_or_none_is_ours(self, properties: Any, artifact: Any) -> None:
        """By any hash that it may be named by; an id alone is not known to whoever asks."""
        report = read(sarif(run([], properties=properties, artifacts=[{"properties": artifact}, {"location": {}}])))
        assert image_contradiction(report, [f"sha256:{BASE}", APPLICATION]) is None

    @pytest.mark.parametrize(
        ("properties", "artifact"),
        [
            ({"imageDigest": f"sha256:{OTHER}"}, {}),
            ({}, {"repoDigest": f"r.example/web@sha256:{OTHER}", "imageID": OTHER}),
        ],
    )
    def test_a_report_about_another_image_is_foreign(self, properties: Any, artifact: Any) -> None:
        """The sentence names both."""
        report = read(sarif(run([], properties=properties, artifacts=[{"properties": artifact}])))
        sentence = image_contradiction(report, {f"sha256:{BASE}"})
        assert sentence is not None
        assert OTHER[:12] in sentence
        assert BASE[:12] in sentence

    @pytest.mark.parametrize("artifacts", [None, "x", {}, [], [None], [{"properties": 7}]])
    def test_artifacts_that_are_none_are_passed_over(self, artifacts: Any) -> None:
        """They are no reason to disbelieve a report."""
        assert read(sarif(run(artifacts=artifacts))).image_digests == ()

    def test_only_so_many_statements_are_read(self) -> None:
        """A report is not a place to store things."""
        digests = [f"sha256:{number:064x}" for number in range(500)]
        assert len(read(sarif(run([], properties={"repoDigests": digests}))).image_digests) == 100
        layers: list[Any] = [{"LayerContentHash": f"{number:064x}"} for number in range(2_000)]
        assert len(layer_commands({"layerInfo": layers})) == 1_000
