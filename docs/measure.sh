# All that docs/results.md shows, section by section.  Usage: sh docs/measure.sh DATA OUT [train|perplexity|speed]...
#
# DATA holds wikitext-2/train.txt, valid.txt (the word-level release) and tiny-shakespeare/input.txt (1,115,394 bytes).
# OUT keeps models, bundles, figures as JSON and plots; what is finished there is not done again.
set -eu
DATA=$1 OUT=$2
shift 2
RECIPES=$(cd "$(dirname "$0")/../models/recipes" && pwd)
MODELS="wikitext2-rfa-gate wikitext2-rfa wikitext2-softmax"
mkdir -p "$OUT"

train() {
    for model in $MODELS; do
        [ -f "$OUT/$model.pt" ] || rfa-train "$RECIPES/$model.toml" -o "$OUT/$model.pt" --threads 1 \
            --data "$DATA/wikitext-2/train.txt" --valid "$DATA/wikitext-2/valid.txt"
    done
    [ -f "$OUT/shakespeare.pt" ] || rfa-train "$RECIPES/shakespeare.toml" -o "$OUT/shakespeare.pt" --threads 1 \
        --data "$DATA/tiny-shakespeare/input.txt"
}

perplexity() {
    for model in $MODELS; do
        both "$model" "$DATA/wikitext-2/valid.txt"
    done
    # Validation text: what rfa-train kept apart.
    python -c "import sys; from rfa_models.data import read_text, split_text
sys.stdout.write(split_text(read_text(sys.argv[1]), 0.1)[1])" "$DATA/tiny-shakespeare/input.txt" >"$OUT/shakespeare.txt"
    both shakespeare "$OUT/shakespeare.txt"
    for segment in 64 256 1024 4096 0; do
        rfa-run "$OUT/shakespeare.rfa" --score "$OUT/shakespeare.txt" --segment $segment --json \
            >"$OUT/shakespeare.segment-$segment.json"
    done
}

both() { # model, text: perplexity of the bundle and of torch
    [ -d "$OUT/$1.rfa" ] || rfa-export "$OUT/$1.pt"
    rfa-run "$OUT/$1.rfa" --score "$2" --json | tee "$OUT/$1.bundle.json"
    python -m rfa_models.evaluate "$OUT/$1.pt" "$2" | tee "$OUT/$1.torch.json"
}

speed() { # on a machine that does nothing else
    [ -d "$OUT/shakespeare.rfa" ] || rfa-export "$OUT/shakespeare.pt"
    rfa-bench overhead --size gpt2-small --threads 2 --keep "$OUT/gpt2-small" --json | tee "$OUT/overhead.json"
    rfa-bench latency --size gpt2-small --threads 2 --keep "$OUT/gpt2-small" --plot "$OUT/latency.png" --json |
        tee "$OUT/latency.json"
    rfa-bench steady "$OUT/shakespeare.rfa" --tokens 20000 --json | tee "$OUT/steady.json"
    rfa-bench growth --plot "$OUT/growth.png" --json | tee "$OUT/growth.json"
}

for section in "${@:-train perplexity speed}"; do
    for part in $section; do $part; done
done
