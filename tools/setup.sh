#!/usr/bin/env bash
# Makes everything that `make demo`, `make test` and `make check` need, below the repository and outside what git tracks:
#   .venv           Python 3.13 with the packages of requirements-dev.txt (by hash) and this project, editable
#   .local/azurite  the storage emulator, from npm, with the packages of tools/azurite/package-lock.json (by hash)
# Running it again repeats only what changed. Missing prerequisites are named in one line each.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Settings that would send an install elsewhere, or put foreign modules in front of ours.
unset PYTHONHOME PYTHONPATH VIRTUAL_ENV PIP_PREFIX PIP_TARGET PIP_USER
export PIP_DISABLE_PIP_VERSION_CHECK=1

readonly AZURITE_PINS=tools/azurite
readonly AZURITE_HOME=.local/azurite
readonly NODE_MAJOR_MIN=20
readonly GIT_MIN=2.30

# Prints the interpreter's real path if the command given is a Python 3.13 that runs (a pyenv shim may exist and not run).
python_313_behind() {
  "$@" -c 'import sys; sys.version_info[:2] == (3, 13) or sys.exit(1); print(sys.executable)' 2>/dev/null
}

# Prints the path of a Python 3.13: python3.13 on the PATH, else pyenv's, else the one uv knows.
find_python() {
  local found candidate
  python_313_behind python3.13 && return
  for candidate in "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.13*/bin/python; do
    [ -x "$candidate" ] && python_313_behind "$candidate" && return
  done
  if found=$(uv python find --system 3.13 2>/dev/null); then
    python_313_behind "$found" && return
  fi
  return 1
}

# True if the dotted version $1 is $2 or newer.
version_at_least() {
  [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]
}

# Prints one line for each prerequisite that is missing.
missing_prerequisites() {
  local version
  if ! find_python >/dev/null; then
    echo "Python 3.13 is missing: install python3.13 with its venv module, or run 'pyenv install 3.13' or 'uv python install 3.13'."
  elif ! "$(find_python)" -c 'import ensurepip, venv' >/dev/null 2>&1; then
    echo "Python 3.13 cannot make virtual environments: install its venv module (python3.13-venv on Debian and Ubuntu)."
  fi

  if ! version=$(node --version 2>/dev/null); then
    echo "Node is missing: install Node $NODE_MAJOR_MIN or newer (it runs Azurite, the storage emulator)."
  elif ! version_at_least "${version#v}" "$NODE_MAJOR_MIN"; then
    echo "Node $NODE_MAJOR_MIN or newer is needed, and node is ${version#v}: install a newer one."
  fi
  if ! npm --version >/dev/null 2>&1; then
    echo "npm is missing: install it with Node $NODE_MAJOR_MIN or newer (it installs Azurite)."
  fi

  if ! version=$(git --version 2>/dev/null); then
    echo "git is missing: install git $GIT_MIN or newer."
  else
    version=$(printf '%s' "$version" | cut -d ' ' -f 3)
    if ! version_at_least "$version" "$GIT_MIN"; then
      echo "git $GIT_MIN or newer is needed, and git is $version: install a newer one."
    fi
  fi
}

# Runs a command whose output matters only if it fails.
quietly() {
  local output
  if ! output=$("$@" 2>&1); then
    printf '%s\n' "$output" >&2
    return 1
  fi
}

make_python_environment() {
  local installed=.venv/installed-requirements.txt
  if ! .venv/bin/python -c '' 2>/dev/null; then
    "$(find_python)" -m venv --clear .venv
  fi
  cmp -s requirements-dev.txt "$installed" && return
  quietly .venv/bin/python -m pip install --require-hashes --no-deps -r requirements-dev.txt
  cp requirements-dev.txt "$installed"
}

install_project() {
  quietly .venv/bin/python -m pip install --no-deps --no-build-isolation --no-index -e .
}

# npm checks each archive against its hash in the lock, and takes no version that the lock does not name.
install_azurite() {
  local installed=$AZURITE_HOME/installed-lock.json
  cmp -s "$AZURITE_PINS/package-lock.json" "$installed" && return
  rm -rf "$AZURITE_HOME"
  mkdir -p "$AZURITE_HOME"
  cp "$AZURITE_PINS"/package.json "$AZURITE_PINS"/package-lock.json "$AZURITE_HOME"
  quietly npm ci --prefix "$AZURITE_HOME" --no-audit --no-fund --ignore-scripts --loglevel=error
  cp "$AZURITE_PINS/package-lock.json" "$installed"
}

main() {
  local missing
  missing=$(missing_prerequisites)
  if [ -n "$missing" ]; then
    printf '%s\n' "$missing" >&2
    exit 1
  fi
  echo "[1/3] Python environment in .venv"
  make_python_environment
  echo "[2/3] Scangate itself, editable"
  install_project
  echo "[3/3] Azurite in $AZURITE_HOME"
  install_azurite
  touch .venv/ready
}

main
