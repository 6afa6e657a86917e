#!/bin/sh
# Reference results of a card: checks, benches beside PyTorch, a profile and full trainings, each raw log with its command.
# Usage: scripts/reference.sh OUT [PART...]    parts: machine check bench profile train fast (all of them where none is named)
#   WGRAD    the program [default: target/release/wgrad]     DATA     CIFAR-10's folder [default: cifar10]
#   RECIPES  what is trained [default: seed 000's four, He's and akamaster's ResNet-56]     SEEDS [default: 0]
#   TRAIN_FLAGS  more flags of train, such as "--epochs 1 --steps 20" for a try
#   BATCHES  [default: 128 512 1024]     BENCH_FLAGS  such as "--steps 3"
#   PYTHON   with benches/torch/requirements.txt; left out: no comparison     TORCH_DEVICE  [default: cuda]
# A training that was cut off goes on with the same command: it is resumed, and finished ones are skipped.
set -eu
out=${1:?usage: scripts/reference.sh OUT [PART...]}
shift
wgrad=${WGRAD:-target/release/wgrad}
mkdir -p "$out"

# log FILE COMMAND...: the command, then what it prints.
log() {
    file=$out/$1
    shift
    echo "$*" >&2
    { echo "\$ $*"; "$@"; } > "$file" 2> "$file.err" || { echo "fails, see $file.err" >&2; return 1; }
    [ -s "$file.err" ] || rm -f "$file.err"
}

machine() {
    log machine.txt "$wgrad" devices
    { uname -a; command -v nvidia-smi > /dev/null && nvidia-smi; date -u; } >> "$out/machine.txt" 2>&1 || true
}

check() {
    log check.json "$wgrad" check --json
}

# The programs take turns, batch by batch.
bench() {
    for batch in ${BATCHES:-128 512 1024}; do
        for activation in relu dropact; do
            log "bench-$batch-$activation.json" "$wgrad" bench step --model resnet56 --batch "$batch" \
                --activation $activation --json ${BENCH_FLAGS:-}
            [ -n "${PYTHON:-}" ] || continue
            for compiled in no yes; do
                for precision in fp32 tf32 amp; do
                    [ "${TORCH_DEVICE:-cuda}" = cuda ] || [ $compiled$precision = nofp32 ] || continue
                    log "torch-$batch-$activation-$compiled-$precision.json" "$PYTHON" benches/torch/train.py \
                        --device "${TORCH_DEVICE:-cuda}" --batch "$batch" --activation $activation --layout nchw \
                        --precision $precision --compiled $compiled ${BENCH_FLAGS:-}
                done
            done
        done
    done
}

profile() {
    log profile.json "$wgrad" profile --model resnet56 --batch "${PROFILE_BATCH:-128}" --json \
        --roofline "$out/roofline.svg" --trace "$out/trace.json"
}

train() {
    for seed in ${SEEDS:-0}; do
        for recipe in ${RECIPES:-seed000_relu seed000_dropout seed000_rrelu seed000_dropact he_resnet56 akamaster_resnet56}; do
            run=$out/runs/$recipe-$seed
            [ ! -f "$run/summary.json" ] || continue
            if [ -f "$run/config.toml" ]; then
                "$wgrad" train --quiet --resume "$run"
            else
                "$wgrad" train --quiet --recipe "$recipe" --data "${DATA:-cifar10}" --seed "$seed" --out "$run" ${TRAIN_FLAGS:-}
            fi
            echo "$recipe, seed $seed: $(cat "$run/summary.json")"
        done
    done
}

# The fast recipe twice: with empty caches, so that its seconds hold the compiling and the tuner, and with full ones.
fast() {
    caches=$(mktemp -d)
    for caches_are in empty full; do
        run=$out/runs/airbench94-$caches_are
        [ ! -f "$run/summary.json" ] || continue
        begun=$(date +%s.%N)
        XDG_CACHE_HOME=$caches __GL_SHADER_DISK_CACHE_PATH=$caches "$wgrad" train --quiet --recipe airbench94 \
            --data "${DATA:-cifar10}" --out "$run" ${TRAIN_FLAGS:-}
        echo "$begun $(date +%s.%N)" | awk '{ print $2 - $1, "s from start to end" }' > "$run/wall.txt"
        echo "airbench94, $caches_are caches: $(cat "$run/wall.txt" "$run/summary.json")"
    done
    rm -rf "$caches"
}

for part in ${*:-machine check bench profile train fast}; do
    "$part"
done
