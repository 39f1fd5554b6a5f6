"""What every value of the model has in common: it cannot change."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict


class Value(BaseModel):
    """An immutable record. Fields that a newer version wrote are passed over, so that versions can run side by side."""

    model_config = ConfigDict(frozen=True, extra="ignore")


def _in_utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        message = "expected a time with its zone, such as 2026-01-31T12:00:00Z"
        raise ValueError(message)
    return moment.astimezone(UTC)


Moment = Annotated[datetime, AfterValidator(_in_utc)]
"""A point in time, always in UTC."""
