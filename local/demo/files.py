"""The web shop whose pull request the demo is about."""

import json

RULES = """\
# What blocks a pull request to this branch. Every key: docs/rules.md
fail_on_severity: high
"""

README = "# Web shop\n\nThe demo's repository.\n"


def package_files(**dependencies: str) -> dict[str, str]:
    """Write what npm writes for a set of dependencies.

    Args:
        dependencies: Versions by package name.

    Returns:
        The texts of package.json and package-lock.json.
    """
    manifest = {"name": "web-shop", "version": "1.0.0", "private": True, "dependencies": dependencies}
    packages: dict[str, object] = {"": manifest}
    for name, version in dependencies.items():
        packages[f"node_modules/{name}"] = {"version": version, "license": "MIT"}
    lock = {"name": "web-shop", "version": "1.0.0", "lockfileVersion": 3, "requires": True, "packages": packages}
    return {
        "package.json": json.dumps(manifest, indent=2) + "\n",
        "package-lock.json": json.dumps(lock, indent=2) + "\n",
    }
