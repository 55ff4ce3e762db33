# What docs/quality.md, convert.md and targets.md show, section by section: it takes a day.  `rfa-bench all` measures
# what the other pages show.
# Usage: sh docs/measure.sh DATA OUT [train|perplexity|answers|targets|convert]...
#
# DATA holds wikitext-2/{train,valid}.txt (the word-level release), tiny-shakespeare/input.txt (1,115,394 bytes),
# tatoeba-en-de/{train,valid,test}.{en,de} and movie-reviews/{train,valid,test}.jsonl.  ListOps is drawn here.
# lm-stories260k/stories260K.bin and tok512.bin are llama2.c's model of 260,032 parameters, for docs/convert.md.
# OUT keeps models, bundles, figures as JSON and plots; what is finished there is not done again.
set -eu
DATA=$1 OUT=$2
shift 2
RECIPES=$(cd "$(dirname "$0")/../models/recipes" && pwd)
LANGUAGE="wikitext2-rfa-gate wikitext2-rfa-gate-arccos wikitext2-rfa-gate-stateful wikitext2-rfa wikitext2-rfa-arccos
    wikitext2-rfa-rotary wikitext2-softmax"
TRANSLATION="tatoeba-rfa tatoeba-rfa-arccos tatoeba-rfa-gate tatoeba-softmax"
LISTOPS="listops-rfa listops-rfa-arccos listops-softmax"
REVIEWS="reviews-rfa reviews-rfa-arccos reviews-softmax"
mkdir -p "$OUT"

train() {
    listops valid 1000 1
    for model in $LANGUAGE; do
        learn "$model" --data "$DATA/wikitext-2/train.txt" --valid "$DATA/wikitext-2/valid.txt"
    done
    learn shakespeare --data "$DATA/tiny-shakespeare/input.txt"
    for model in $TRANSLATION; do
        learn "$model" --data "$DATA/tatoeba-en-de/train.en" --data "$DATA/tatoeba-en-de/train.de" \
            --valid "$DATA/tatoeba-en-de/valid.en" --valid "$DATA/tatoeba-en-de/valid.de"
    done
    for model in $LISTOPS; do
        learn "$model" --valid "$OUT/listops-valid.tsv"
    done
    for model in $REVIEWS; do
        learn "$model" --data "$DATA/movie-reviews/train.jsonl" --valid "$DATA/movie-reviews/valid.jsonl"
    done
}

learn() { # model, its data
    model=$1
    shift
    [ -f "$OUT/$model.pt" ] || rfa-train "$RECIPES/$model.toml" -o "$OUT/$model.pt" --threads 1 "$@"
}

listops() { # name, count, seed: expressions of the lengths that the recipes learn from
    [ -f "$OUT/listops-$1.tsv" ] || python -m rfa_models.data.listops "$OUT/listops-$1.tsv" --count "$2" --seed "$3" \
        --shortest 10 --longest 200
}

bundle() { # model
    [ -d "$OUT/$1.rfa" ] || rfa-export "$OUT/$1.pt"
}

perplexity() {
    for model in $LANGUAGE; do
        both "$model" "$DATA/wikitext-2/valid.txt"
    done
    # Validation text: what rfa-train kept apart.
    python -c "import sys; from rfa_models.data.texts import read_text, split_text
sys.stdout.write(split_text(read_text(sys.argv[1]), 0.1)[1])" "$DATA/tiny-shakespeare/input.txt" >"$OUT/shakespeare.txt"
    both shakespeare "$OUT/shakespeare.txt"
    for segment in 64 256 1024 4096 0; do
        rfa-run "$OUT/shakespeare.rfa" --score "$OUT/shakespeare.txt" --segment $segment --json \
            >"$OUT/shakespeare.segment-$segment.json"
    done
}

both() { # model, text: perplexity of the bundle and of torch
    bundle "$1"
    rfa-run "$OUT/$1.rfa" --score "$2" --json | tee "$OUT/$1.bundle.json"
    python -m rfa_models.commands.evaluate "$OUT/$1.pt" "$2" | tee "$OUT/$1.torch.json"
}

answers() {
    listops test 2000 2
    for model in $TRANSLATION; do
        set -- "$DATA/tatoeba-en-de/test.en" "$DATA/tatoeba-en-de/test.de"
        agree "$model" "$@"
        rfa-run "$OUT/$model.rfa" --score "$1" --score "$2" --json | tee "$OUT/$model.greedy.json"
        rfa-run "$OUT/$model.rfa" --score "$1" --score "$2" --beam 4 --json | tee "$OUT/$model.beam.json"
    done
    for model in $LISTOPS; do
        agree "$model" "$OUT/listops-test.tsv"
    done
    for model in $REVIEWS; do
        agree "$model" "$DATA/movie-reviews/test.jsonl"
    done
}

agree() { # model, its test data: the bundle's answers beside torch's
    model=$1
    shift
    bundle "$model"
    rfa-bench agreement "$OUT/$model.pt" "$OUT/$model.rfa" "$@" --json | tee "$OUT/$model.agreement.json"
}

targets() { # needs the extra `verify`, and runtime/web with onnxruntime-web in the current folder, by npm
    bundle shakespeare
    rfa-bench targets --checkpoint "$OUT/shakespeare.pt" --eval "$OUT/shakespeare.txt" --threads 2 --json |
        tee "$OUT/targets-shakespeare.json"
    sed 's/^gate = true/gate = false/' "$RECIPES/pydoc-tiny.toml" >"$OUT/pydoc-no-gate.toml"
    [ -f "$OUT/pydoc-no-gate.pt" ] || rfa-train "$OUT/pydoc-no-gate.toml" -o "$OUT/pydoc-no-gate.pt" --threads 1
    for model in shakespeare pydoc-no-gate; do
        rfa-export "$OUT/$model.pt" -o "$OUT/$model.drift.rfa" --overwrite --drift 131072 --json | tee "$OUT/drift-$model.json"
    done
}

convert() { # docs/convert.md
    stories="$DATA/lm-stories260k/stories260K.bin"
    for seed in 0 1 2; do
        student "stories-$seed" "$stories" --tokens 5000000 --samples 1500000 --seed $seed
        student "stories-window-$seed" "$stories" --window 64 --tokens 1000000 --samples 1500000 --seed $seed
    done
    student stories-window-alone "$stories" --window 64 --window-alone --tokens 1000000 --samples 1500000
    for vectors in 8 16 32 64; do
        student "stories-vectors-$vectors" "$stories" --random-vectors $vectors --tokens 200000 --samples 500000
    done
    for window in 16 32 64; do
        student "stories-window-of-$window" "$stories" --window $window --tokens 200000 --samples 500000
    done
    learn wikitext2-gpt2 --data "$DATA/wikitext-2/train.txt" --valid "$DATA/wikitext-2/valid.txt"
    [ -d "$OUT/gpt2" ] || rfa-convert "$OUT/wikitext2-gpt2.pt" --save-pretrained -o "$OUT/gpt2"
    student gpt2-rfa "$OUT/gpt2" --tokens 1500000 --samples 0 --text "$DATA/wikitext-2/train.txt" \
        --measure "$DATA/wikitext-2/valid.txt"
}

student() { # its name, teacher and options
    name=$1
    shift
    [ -f "$OUT/$name.pt" ] || rfa-convert "$@" -o "$OUT/$name.pt" --threads 1 --json | tee "$OUT/$name.json"
}

for section in "${@:-train perplexity answers targets convert}"; do
    for part in $section; do $part; done
done
