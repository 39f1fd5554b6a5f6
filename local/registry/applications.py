"""Layers that a team's own build puts on a base image: what it depends on, and what it should not have left there."""

import base64
import hashlib
import json
from collections.abc import Mapping

from local.registry.layers import Layer

SITE_PACKAGES = "usr/local/lib/python3.11/site-packages"


def node_application(dependencies: Mapping[str, str], folder: str = "app") -> Layer:
    """Describe an application of Node.js with its installed modules.

    Args:
        dependencies: versions by the name of the module.
        folder: where it lies.

    Returns:
        A layer with package.json, package-lock.json (version 3) and each module's own package.json.
    """
    root = {"name": "web-shop", "version": "1.0.0", "private": True, "dependencies": dict(dependencies)}
    packages: dict[str, object] = {"": root}
    packages |= {
        f"node_modules/{name}": {"version": version, "license": "MIT"} for name, version in dependencies.items()
    }
    lock = {"name": "web-shop", "version": "1.0.0", "lockfileVersion": 3, "requires": True, "packages": packages}
    files = {f"{folder}/package.json": _text(root), f"{folder}/package-lock.json": _text(lock)}
    for name, version in dependencies.items():
        module = {"name": name, "version": version, "license": "MIT"}
        files[f"{folder}/node_modules/{name}/package.json"] = _text(module)
        files[f"{folder}/node_modules/{name}/index.js"] = b"module.exports = {};\n"
    return Layer("RUN /bin/sh -c npm ci --omit=dev # buildkit", files)


def python_application(dependencies: Mapping[str, str], folder: str = "app") -> Layer:
    """Describe an application of Python with its installed distributions.

    Args:
        dependencies: versions by the name of the distribution.
        folder: where it lies.

    Returns:
        A layer with requirements.txt and each distribution's METADATA ("Recording installed projects", PyPA).
    """
    wanted = "".join(f"{name}=={version}\n" for name, version in sorted(dependencies.items()))
    files = {f"{folder}/requirements.txt": wanted.encode()}
    for name, version in dependencies.items():
        place = f"{SITE_PACKAGES}/{name.replace('-', '_')}-{version}.dist-info"
        files[f"{place}/METADATA"] = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n\n{name}\n".encode()
        files[f"{place}/INSTALLER"] = b"pip\n"
        files[f"{place}/RECORD"] = b""
    return Layer("RUN /bin/sh -c pip install --no-cache-dir -r requirements.txt # buildkit", files)


def planted_secret(seed: str = "planted") -> str:
    """Return something that looks like an access key id of AWS and opens nothing.

    Args:
        seed: another one gives another secret.
    """
    return f"AKIA{base64.b32encode(hashlib.sha256(seed.encode()).digest()).decode()[:16]}"


def secret_layer(secret: str | None = None, path: str = "app/.env") -> Layer:
    """Describe a step that left a secret behind.

    Args:
        secret: what; ``planted_secret()`` without it.
        path: where.
    """
    content = f"AWS_ACCESS_KEY_ID={secret or planted_secret()}\nMODE=production\n"
    return Layer(f"COPY .env /{path} # buildkit", {path: content.encode()})


def removal(*paths: str) -> Layer:
    """Describe a step that removes files: they are gone from the image, and still in its lower layers.

    Args:
        paths: which.
    """
    return Layer(f"RUN /bin/sh -c rm -f {' '.join(f'/{path}' for path in paths)} # buildkit", removed=paths)


def _text(document: Mapping[str, object]) -> bytes:
    return (json.dumps(document, indent=2) + "\n").encode()
