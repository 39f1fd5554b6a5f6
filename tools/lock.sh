#!/usr/bin/env bash
# Compiles requirements*.in into requirements*.txt, and tools/azurite/package.json into its lock: exact versions with
# hashes, and nothing about the machine that did it. Arguments are handed to uv, such as --upgrade or --upgrade-package NAME.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."

compile() {
  .venv/bin/uv pip compile --quiet --python-version 3.13 --generate-hashes \
    --no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock' "$1" -o "$2" "${@:3}"
}

compile requirements.in requirements.txt "$@"
compile requirements-dev.in requirements-dev.txt "$@"
compile requirements-worker.in requirements-worker.txt "$@"

# The .npmrc beside it keeps the addresses of the archives out of the lock.
(cd tools/azurite && npm install --package-lock-only --ignore-scripts --no-audit --no-fund --loglevel=error)
