#!/usr/bin/env bash
# Builds the scanner image into the local container engine; scanner/README.md explains the variables it reads:
#   BASE_IMAGE QSCANNER_VERSION QSCANNER_URL QSCANNER_SHA256             needed
#   IMAGE SCANGATE_CONTAINER_ENGINE PIP_CONF APT_CONF APT_SOURCES BUILD_NETWORK   as wanted
# With --trial the base may have no digest. With --check nothing is built, and only engine and base are looked at.
# What is missing is named in one line each.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."

# True if an engine's command is there and the engine behind it answers.
answers() {
  "$1" info >/dev/null 2>&1
}

# Prints the engine to use: the one that was chosen, else the first that answers.
find_engine() {
  local candidate
  for candidate in ${SCANGATE_CONTAINER_ENGINE:-docker podman}; do
    if answers "$candidate"; then
      printf '%s\n' "$candidate"
      return
    fi
  done
  return 1
}

# Prints one line for each thing that is missing or wrong. $1: the engine, or nothing. $2: --check, --trial or nothing.
missing() {
  local name
  if [ -z "$1" ]; then
    echo "No container engine answers: install and start docker or podman, or name one in SCANGATE_CONTAINER_ENGINE."
    if [ "$2" = --check ]; then return; fi
  elif [ "$1" = docker ] && ! docker buildx version >/dev/null 2>&1; then
    echo "docker has no buildx, which builds the image: install it, or use podman (SCANGATE_CONTAINER_ENGINE=podman)."
  fi
  if [ -z "${BASE_IMAGE:-}" ]; then
    echo "BASE_IMAGE is not set: name an image with Python 3.13 on Debian slim, such as python:3.13-slim-bookworm@sha256:…"
  elif [ -z "$2" ] && [[ ! $BASE_IMAGE =~ @sha256:[0-9a-f]{64}$ ]]; then
    echo "BASE_IMAGE has no digest: end it with @sha256: and the 64 digits that your registry shows for it."
  fi
  if [ "$2" = --check ]; then return; fi
  for name in QSCANNER_VERSION QSCANNER_URL QSCANNER_SHA256; do
    if [ -z "${!name:-}" ]; then
      echo "$name is not set: see scanner/README.md."
    fi
  done
}

# Prints the version of this checkout, from pyproject.toml.
version() {
  sed -nE 's/^version = "(.*)"$/\1/p' pyproject.toml
}

# Runs the build with the engine $1.
build() {
  local arguments=(build --file scanner/Dockerfile --tag "${IMAGE:-scangate-scanner:$(version)}")
  local name
  for name in BASE_IMAGE QSCANNER_VERSION QSCANNER_URL QSCANNER_SHA256; do
    arguments+=(--build-arg "$name=${!name}")
  done
  arguments+=(--build-arg "VERSION=$(version)" --build-arg "REVISION=$(git rev-parse HEAD 2>/dev/null || echo unknown)")
  if [ -n "${PIP_CONF:-}" ]; then arguments+=(--secret "id=pip.conf,src=$PIP_CONF"); fi
  if [ -n "${APT_CONF:-}" ]; then arguments+=(--secret "id=apt.conf,src=$APT_CONF"); fi
  if [ -n "${APT_SOURCES:-}" ]; then arguments+=(--secret "id=apt.sources,src=$APT_SOURCES"); fi
  if [ -n "${BUILD_NETWORK:-}" ]; then arguments+=(--network "$BUILD_NETWORK"); fi
  if [ "$1" = docker ]; then arguments=(buildx "${arguments[@]}" --load); fi
  "$1" "${arguments[@]}" .
}

main() {
  local mode=${1:-} engine problems
  case $mode in
    '' | --check | --trial) ;;
    *)
      echo "usage: tools/image.sh [--check|--trial]" >&2
      exit 2
      ;;
  esac
  engine=$(find_engine || true)
  problems=$(missing "$engine" "$mode")
  if [ -n "$problems" ]; then
    printf '%s\n' "$problems" >&2
    exit 1
  fi
  if [ "$mode" != --check ]; then build "$engine"; fi
}

main "$@"
