#!/usr/bin/env bash
# Runs every benchmark under bench/, or those that are named.
set -euo pipefail
cd "$(dirname "$0")/.."
shopt -s nullglob
for bench in ${BENCH:-bench/*.mjs}; do
  echo "== $bench"
  node "$bench" "$@"
done
