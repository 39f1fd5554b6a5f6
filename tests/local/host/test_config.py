"""What host.json and the app settings say to the host."""

import json
from pathlib import Path

import pytest

from local.host.config import (
    BadConfiguration,
    HostOptions,
    QueueOptions,
    connection_string,
    read_host_options,
    resolve_settings,
)


def options(tmp_path: Path, document: object, **settings: str) -> HostOptions:
    """Read a host.json with this content."""
    (tmp_path / "host.json").write_text(json.dumps(document))
    return read_host_options(tmp_path, settings)


def queues(**values: object) -> dict[str, object]:
    """A host.json with these settings of the queues."""
    return {"version": "2.0", "extensions": {"queues": values}}


def test_the_defaults_are_those_of_azure(tmp_path: Path) -> None:
    """A host.json that says nothing polls up to a minute apart and tries five times at once."""
    found = options(tmp_path, {"version": "2.0"})

    assert found == HostOptions(route_prefix="api", queues=QueueOptions())
    assert found.queues == QueueOptions(
        batch_size=16,
        new_batch_threshold=8,
        max_dequeue_count=5,
        visibility_timeout_s=0,
        max_polling_interval_s=60,
        base64=True,
    )


def test_everything_can_be_set(tmp_path: Path) -> None:
    """Names match without regard to case."""
    found = options(
        tmp_path,
        {
            "version": "2.0",
            "Extensions": {
                "http": {"RoutePrefix": "/v1/"},
                "queues": {
                    "batchSize": 1,
                    "newBatchThreshold": 0,
                    "maxDequeueCount": 9,
                    "visibilityTimeout": "00:00:30",
                    "maxPollingInterval": "00:00:02",
                    "messageEncoding": "None",
                },
            },
        },
    )

    assert found.route_prefix == "v1"
    assert found.queues == QueueOptions(1, 0, 9, 30.0, 2.0, base64=False)


def test_the_threshold_follows_the_batch(tmp_path: Path) -> None:
    """Half of the batch, unless it is set."""
    assert options(tmp_path, queues(batchSize=6)).queues.new_batch_threshold == 3


def test_app_settings_come_before_the_file(tmp_path: Path) -> None:
    """As in Azure, AzureFunctionsJobHost__ stands before the path of the setting."""
    found = options(
        tmp_path,
        queues(maxDequeueCount=9),
        AzureFunctionsJobHost__extensions__queues__maxDequeueCount="2",
        AZUREFUNCTIONSJOBHOST__EXTENSIONS__HTTP__ROUTEPREFIX="",
        Other="x",
    )

    assert found.queues.max_dequeue_count == 2
    assert found.route_prefix == ""


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ([], "version"),
        ({"version": "1.0"}, "version"),
        ({"version": "2.0", "extensions": []}, "extensions in host.json must be an object"),
        ({"version": "2.0", "extensions": {"http": {"routePrefix": 1}}}, "routePrefix"),
        ({"version": "2.0", "extensions": {"http": {"routePrefix": "{x}"}}}, "routePrefix"),
        (queues(batchSize=0), "batchSize in host.json must be a whole number from 1 to 32"),
        (queues(batchSize=33), "batchSize"),
        (queues(batchSize=True), "batchSize"),
        (queues(batchSize=1.5), "batchSize"),
        (queues(maxDequeueCount="many"), "maxDequeueCount in host.json must be a whole number of at least 1"),
        (queues(visibilityTimeout="30"), "visibilityTimeout in host.json: '30' is not a duration"),
        (queues(maxPollingInterval="00:00:00"), "maxPollingInterval in host.json must be at least 0.1 seconds"),
        (queues(messageEncoding="utf-7"), "messageEncoding"),
    ],
)
def test_a_wrong_value_is_named(tmp_path: Path, document: object, reason: str) -> None:
    """The error says which setting, and what would do."""
    with pytest.raises(BadConfiguration, match=reason):
        options(tmp_path, document)


def test_a_file_that_is_not_json_is_refused(tmp_path: Path) -> None:
    """The path is named."""
    (tmp_path / "host.json").write_text("{")
    with pytest.raises(BadConfiguration, match=r"host\.json is not JSON"):
        read_host_options(tmp_path, {})


def test_settings_are_put_in() -> None:
    """Every %NAME% is replaced; a missing one is named."""
    assert resolve_settings("%A%-and-%B%", {"A": "1", "B": "2"}) == "1-and-2"
    with pytest.raises(BadConfiguration, match="the app setting C"):
        resolve_settings("%C%", {})


@pytest.mark.parametrize("name", ["", "AzureWebJobsStorage", "Storage"])
def test_a_connection_is_found_by_either_name(name: str) -> None:
    """Empty means AzureWebJobsStorage, and the prefix may be left out."""
    assert connection_string(name, {"AzureWebJobsStorage": "here"}) == "here"


def test_a_missing_connection_is_named() -> None:
    """An empty one is missing too."""
    with pytest.raises(BadConfiguration, match="the app setting Mine"):
        connection_string("Mine", {"Mine": ""})
