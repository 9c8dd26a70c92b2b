#!/usr/bin/env bash
# From a fresh Debian 12 or Ubuntu 24.04 to certified explanations of the photographs in photos/.
# Running it again goes on where it stopped, or only prints the table. See setup.sh for what it installs.
#
#   scripts/quickstart.sh [option of xai-mse ...]
#
# XAI_PRESET=NAME  builds another preset than release
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/functions.sh
preset=${XAI_PRESET:-release}

scripts/setup.sh --build "$preset" xai-mse

say "EfficientNet-Lite0 with its ImageNet weights"
export_model models efficientnet_lite0

say "Minimal sufficient explanations of photos/"
status=0
"build/$preset/bin/xai-mse" --model models/efficientnet_lite0.pt --data photos --out runs/quickstart "$@" ||
  status=$?
if [[ $status != 0 && $status != 3 ]]; then  # 3: done, some images failed, which the table shows
  echo "quickstart.sh: xai-mse failed with exit code $status" >&2
  exit "$status"
fi

say "Results"
PYTHONPATH=python .venv/bin/python -m xaimse.results runs/quickstart
exit "$status"
