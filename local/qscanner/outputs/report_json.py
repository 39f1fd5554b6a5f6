"""``-Report.json``: the vulnerabilities, one entry for each package that one concerns.

The names of its keys are of the stand-in: no public source shows them.
"""

from typing import Any

from local.qscanner.outputs.clock import utc
from local.qscanner.scan_result import ScanResult
from local.qscanner.version import NAME, NOTICE, current_version


def report_json(result: ScanResult) -> dict[str, Any]:
    """Give the JSON report of a scan."""
    return {
        "scanner": NAME,
        "scannerVersion": current_version(),
        "notice": NOTICE,
        "scanTime": utc(result.started),
        "targetId": result.prefix,
        "vulnerabilities": [
            {
                "qid": each.advisory.qid,
                "title": each.advisory.title,
                "severity": each.advisory.severity,
                "cveIds": list(each.advisory.cves),
                "cvss3BaseScore": each.advisory.cvss,
                "package": each.package.name,
                "installedVersion": each.package.version,
                "fixedVersion": each.fixed_version,
                "path": each.package.path,
                **({"layer": each.package.layer} if each.package.layer else {}),
            }
            for each in result.vulnerabilities
        ],
    }
