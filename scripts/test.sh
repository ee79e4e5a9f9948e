#!/usr/bin/env bash
# Lint, types, then every test. The last line is the runner's summary: N passed, N failed.
set -euo pipefail
cd "$(dirname "$0")/.."
npm run --silent lint
npx --no-install vitest run --reporter=./scripts/summary-reporter.mjs "$@"
