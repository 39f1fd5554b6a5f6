"""The storage account that a folder of data belongs to: its name, key and ports, remembered between runs."""

import base64
import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

HOST = "127.0.0.1"
ACCOUNT_FILE = "account.json"
KEY_BYTES = 64  # the length of an Azure Storage account key


class AccountUnreadable(ValueError):
    """The remembered account of a data folder is not what this program wrote."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the three services listen on the loopback address; 0 lets the system choose."""

    blob: int = 0
    queue: int = 0
    table: int = 0


@dataclass(frozen=True, slots=True)
class Account:
    """A storage account served by Azurite.

    Addresses have the form that Azurite's documentation calls IP style: the account is the first part of the path.
    """

    name: str
    key: str
    ports: Ports

    @classmethod
    def new(cls, ports: Ports) -> Self:
        """Make an account with a random key.

        Args:
            ports: where its services listen.
        """
        return cls(name="scangate", key=base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode(), ports=ports)

    @property
    def blob_endpoint(self) -> str:
        """The address of the blob service."""
        return f"http://{HOST}:{self.ports.blob}/{self.name}"

    @property
    def queue_endpoint(self) -> str:
        """The address of the queue service."""
        return f"http://{HOST}:{self.ports.queue}/{self.name}"

    @property
    def table_endpoint(self) -> str:
        """The address of the table service."""
        return f"http://{HOST}:{self.ports.table}/{self.name}"

    @property
    def connection_string(self) -> str:
        """What every storage SDK takes to reach all three services."""
        return (
            f"DefaultEndpointsProtocol=http;AccountName={self.name};AccountKey={self.key};"
            f"BlobEndpoint={self.blob_endpoint};QueueEndpoint={self.queue_endpoint};TableEndpoint={self.table_endpoint};"
        )


def recall(data: Path) -> Account | None:
    """Read the account that a data folder was last served as.

    Args:
        data: the folder.

    Returns:
        The account, or None for a folder that was never served.

    Raises:
        AccountUnreadable: the folder's file is damaged.
    """
    path = data / ACCOUNT_FILE
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        return Account(name=str(stored["name"]), key=str(stored["key"]), ports=Ports(**stored["ports"]))
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise AccountUnreadable(f"{path} is damaged ({error}): remove {data} to start with empty storage") from error


def remember(data: Path, account: Account) -> None:
    """Write the account into its data folder, readable by this user alone.

    Args:
        data: the folder, which exists.
        account: what `recall` will return.
    """
    path = data / ACCOUNT_FILE
    draft = path.with_suffix(".new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(asdict(account), file)
    draft.replace(path)
