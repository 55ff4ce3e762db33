# `make demo`: the converted model from checkpoint to text and figures, in a folder that is thrown away.
set -eu
OUT=$(mktemp -d)
trap 'rm -rf "$OUT"' EXIT
MODEL=models/pretrained/stories.pt
say() { printf '\n\033[1m$ %s\033[0m\n' "$*"; "$@"; }
cd "$(dirname "$0")/.."
PATH="$PWD/$BIN:$PATH"
say rfa-export "$MODEL" -o "$OUT/stories.rfa"
say rfa-run "$OUT/stories.rfa" "Once upon a time" --max-new-tokens 300 --temperature 0.8 --top-k 40 --seed 4
say rfa-bench decode --checkpoint "$MODEL" --bundle "$OUT/stories.rfa" --rounds 5
