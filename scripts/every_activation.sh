#!/bin/sh
# Trains a ResNet-20 for twenty steps on the bundled sample with every activation of the table, and prints the losses.
# Usage: scripts/every_activation.sh [BATCH]   (WGRAD names the program, target/release/wgrad where it is not set)
set -eu
wgrad=${WGRAD:-target/release/wgrad}
batch=${1:-16}
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
for name in $("$wgrad" activations --json | tr '{' '\n' | sed -n 's/.*"name":"\([a-z_]*\)","parameters".*/\1/p'); do
    # Gradient acceleration doubles the gradient at every site.
    case $name in gaaf*) lr=1e-7 ;; *) lr=0.01 ;; esac
    "$wgrad" train --model resnet20 --activation "$name" --steps 20 --batch "$batch" --set optimizer.lr=$lr \
        --set data.split=none --set eval_batch=250 --out "$out/$name" --quiet --json > "$out/$name.json" 2> "$out/$name.err" ||
        { echo "$name: fails"; cat "$out/$name.err"; exit 1; }
    loss=$(sed -n '1s/.*"train_loss":\([^,]*\),.*/\1/p' "$out/$name.json")
    case $loss in '' | *[!0-9.e-]*) echo "$name: loss $loss"; exit 1 ;; esac
    printf '%-14s training loss %s\n' "$name" "$loss"
done
