#!/bin/sh
# Trains a ResNet-20 for twenty steps on the bundled sample with every activation of the table and with every regulariser, and
# prints the losses. Usage: scripts/every_activation.sh [BATCH]   (WGRAD names the program, target/release/wgrad where not set)
set -eu
wgrad=${WGRAD:-target/release/wgrad}
batch=${1:-16}
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

# train NAME FLAGS...
train() {
    name=$1
    shift
    "$wgrad" train --model resnet20 --steps 20 --batch "$batch" --set data.split=none --set eval_batch=250 "$@" \
        --out "$out/run" --quiet --json > "$out/json" 2> "$out/err" || { echo "$name: fails"; cat "$out/err"; exit 1; }
    rm -rf "$out/run"
    loss=$(sed -n '1s/.*"train_loss":\([^,]*\),.*/\1/p' "$out/json")
    case $loss in '' | *[!0-9.e-]*) echo "$name: loss $loss"; exit 1 ;; esac
    printf '%-44s training loss %s\n' "$name" "$loss"
}

for name in $("$wgrad" activations --json | tr '{' '\n' | sed -n 's/.*"name":"\([a-z_]*\)","parameters".*/\1/p'); do
    # Gradient acceleration doubles the gradient at every site.
    case $name in gaaf*) lr=1e-7 ;; *) lr=0.01 ;; esac
    train "$name" --activation "$name" --set optimizer.lr=$lr
done
for drop in dropout:rate=0.3 dropout:rate=0.3,unit=channel alpha_dropout gaussian_dropout:rate=0.2 dropblock:rate=0.1,block=7; do
    for site in block head activations; do
        train "$drop at $site" --set regularize.drop=$drop --set regularize.drop_at=$site --set optimizer.lr=0.01
    done
done
for residual in stochastic_depth shakedrop; do
    train "$residual" --set regularize.residual=$residual --set optimizer.lr=0.01
done
for on in linear all; do
    train "dropconnect of $on weights" --set regularize.dropconnect=0.2 --set regularize.dropconnect_on=$on --set optimizer.lr=0.01
done
