"""What a deployment costs a month, worked out from what it does: ``python -m bench.cost``.

Prices are list prices in US dollars for East US, pay as you go, as known in November 2026. They are assumptions, and so
is what a scan takes: it is estimated from the steps of docs/architecture.md, not measured in Azure.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

SCANS_A_DAY: Final = (100, 1_000, 10_000)
DAYS: Final = 30.4
_SECONDS: Final = DAYS * 86_400
_MILLION: Final = 1_000_000
_TEN_THOUSAND: Final = 10_000


@dataclass(frozen=True)
class Prices:
    """Unit prices in US dollars, with what is free each month."""

    execution_million: float = 0.40
    executions_free: float = 250_000
    function_gb_second: float = 0.000026
    function_gb_seconds_free: float = 100_000
    ready_gb_second: float = 0.000004
    """An always ready instance, whether it works or not."""
    ready_work_gb_second: float = 0.000016
    """The same while it works; nothing of it is free."""
    job_vcpu_second: float = 0.000024
    job_vcpu_seconds_free: float = 180_000
    job_gib_second: float = 0.000003
    job_gib_seconds_free: float = 360_000
    blob_writes: float = 0.0625
    """For 10,000 with zone redundancy, as all storage here."""
    blob_reads: float = 0.005
    table_operations: float = 0.00045
    queue_operations: float = 0.0005
    stored_gb: float = 0.023
    logs_gb: float = 2.30
    logs_gb_free: float = 5
    logs_kept_gb: float = 0.10
    """For each month after the first."""
    alarm: float = 1.50
    """A rule that is run every five minutes."""
    secret_operations: float = 0.03
    """For 10,000."""
    registry: float = 5.07
    basic_licence: float = 6.00


@dataclass(frozen=True)
class Load:
    """What one scan takes, and what runs without any."""

    hooks: float = 2.0
    """Deliveries for one scan: a push reaches two subscriptions."""
    requests: float = 1.5
    request_seconds: float = 3.0
    results: float = 1.05
    result_seconds: float = 2.0
    shortest_seconds: float = 1.0
    """The least that Flex Consumption counts for one execution."""
    instance_gb: float = 2.0
    watch_seconds: float = 1.0
    """Every 15 seconds, and half of that for the two timers that run every minute."""
    replica_seconds: float = 90.0
    """From start to end: image, fetch, scan, upload."""
    repeated: float = 1.05
    vcpu: float = 2.0
    gib: float = 4.0
    """Of the scan container, which is larger than the fetch container that runs before it."""
    blob_writes: float = 22
    blob_reads: float = 40
    table_operations: float = 60
    queue_operations: float = 20
    stored_mb: float = 2.0
    kept_days: float = 90
    logs_kb: float = 120
    queues: float = 6
    queue_polls_a_second: float = 0.5
    idle_logs_gb: float = 2.0
    idle_blob_reads: float = 600_000
    """The host renews its locks all the time."""
    idle_table_operations: float = 1_500_000
    alarms: float = 15
    secret_operations: float = 5_000
    log_kept_months: float = 3
    identities: float = 2


class Line(NamedTuple):
    """One line of the bill."""

    what: str
    dollars: float


def bill(scans_a_day: float, prices: Prices | None = None, load: Load | None = None) -> tuple[Line, ...]:
    """Work out a month.

    Args:
        scans_a_day: How many.
        prices: Unit prices; those above by default.
        load: What a scan takes; as above by default.

    Returns:
        The lines of the bill, in US dollars a month.
    """
    price, use = prices or Prices(), load or Load()
    scans = scans_a_day * DAYS
    return (
        Line("Functions: always ready instance", use.instance_gb * _SECONDS * price.ready_gb_second),
        Line("Functions: hooks, requests, results, timers", _functions(scans, price, use)),
        Line("Container Apps job", _job(scans, price, use)),
        Line("Storage: operations", _operations(scans, price, use)),
        Line("Storage: kept", scans_a_day * use.kept_days * use.stored_mb / 1000 * price.stored_gb),
        Line("Logs", _logs(scans, price, use)),
        Line("Alarms", use.alarms * price.alarm),
        Line("Key vaults", use.secret_operations / _TEN_THOUSAND * price.secret_operations),
        Line("Container registry (Basic)", price.registry),
        Line("Azure DevOps: Basic licences of both identities", use.identities * price.basic_licence),
    )


def _functions(scans: float, price: Prices, use: Load) -> float:
    """Hooks run on the always ready instance, the rest on demand. Executions that share an instance cost less."""
    ticks = _SECONDS / 15
    hook_gb_seconds = scans * use.hooks * use.shortest_seconds * use.instance_gb
    busy = scans * (use.requests * use.request_seconds + use.results * use.result_seconds)
    timers = ticks * use.watch_seconds + ticks / 2 * use.shortest_seconds
    on_demand = (busy + timers) * use.instance_gb
    executions = scans * (use.requests + use.results) + ticks * 1.5
    return (
        hook_gb_seconds * price.ready_work_gb_second
        + scans * use.hooks / _MILLION * price.execution_million
        + max(0.0, on_demand - price.function_gb_seconds_free) * price.function_gb_second
        + max(0.0, executions - price.executions_free) / _MILLION * price.execution_million
    )


def _job(scans: float, price: Prices, use: Load) -> float:
    seconds = scans * use.repeated * use.replica_seconds
    return (
        max(0.0, seconds * use.vcpu - price.job_vcpu_seconds_free) * price.job_vcpu_second
        + max(0.0, seconds * use.gib - price.job_gib_seconds_free) * price.job_gib_second
    )


def _operations(scans: float, price: Prices, use: Load) -> float:
    polls = use.queues * use.queue_polls_a_second * _SECONDS
    return (
        scans * use.blob_writes * price.blob_writes
        + (scans * use.blob_reads + use.idle_blob_reads) * price.blob_reads
        + (scans * use.table_operations + use.idle_table_operations) * price.table_operations
        + (scans * use.queue_operations + polls) * price.queue_operations
    ) / _TEN_THOUSAND


def _logs(scans: float, price: Prices, use: Load) -> float:
    gigabytes = use.idle_logs_gb + scans * use.logs_kb / _MILLION
    kept = gigabytes * (use.log_kept_months - 1) * price.logs_kept_gb
    return max(0.0, gigabytes - price.logs_gb_free) * price.logs_gb + kept


def table() -> Iterator[str]:
    """Write the bills as the table of docs/deploy.md.

    Yields:
        Its lines, in Markdown.
    """
    yield "| a month, in US dollars | " + " | ".join(f"{scans:,} scans a day" for scans in SCANS_A_DAY) + " |"
    yield "|---|" + "---:|" * len(SCANS_A_DAY)
    bills = [bill(scans) for scans in SCANS_A_DAY]
    for lines in zip(*bills, strict=True):
        yield f"| {lines[0].what} | " + " | ".join(_dollars(line.dollars) for line in lines) + " |"
    totals = [sum(line.dollars for line in lines) for lines in bills]
    yield "| **together** | " + " | ".join(f"**{_dollars(total)}**" for total in totals) + " |"
    each = [total / (scans * DAYS) for total, scans in zip(totals, SCANS_A_DAY, strict=True)]
    yield "| for one scan | " + " | ".join(f"{dollars:.3f}" for dollars in each) + " |"


def _dollars(amount: float) -> str:
    return f"{amount:,.0f}" if amount >= 1 else "< 1"


if __name__ == "__main__":
    print("\n".join(table()))
