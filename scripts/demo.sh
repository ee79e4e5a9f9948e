#!/usr/bin/env bash
# Builds the MNIST example and says how long that took, set-up apart. SEED=n chooses the seed.
set -euo pipefail
cd "$(dirname "$0")/.."
start=$SECONDS
bin/noisefloor.js build examples/mnist/mnist.floor -o build/mnist ${SEED:+--seed "$SEED"} "$@"
echo "demo: $((SECONDS - start)) s without set-up"
