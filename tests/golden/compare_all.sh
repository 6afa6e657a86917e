#!/bin/sh
# Compares `wgrad step` with PyTorch in every combination of model, activation, option and mode; exit 1 where one differs.
# PYTHON is a Python with requirements.txt; WGRAD the program; MODELS and ACTIVATIONS may be given.
set -u
folder=$(dirname "$0")
python=${PYTHON:-python3}
wgrad=${WGRAD:-target/release/wgrad}
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
failed=0
for model in ${MODELS:-resnet20 resnet56}; do
    for activation in ${ACTIVATIONS:-relu leaky_relu elu prelu}; do
        for option in A B; do
            key=$(echo "$option" | tr AB ab)
            for mode in train eval; do
                case=$model-$activation-$option-$mode
                "$python" "$folder/generate.py" --model "$model" --activation "$activation" --option "$option" \
                    --mode "$mode" --out "$out" &&
                    "$wgrad" -q step --model "$model" --activation "$activation" --mode "$mode" --set "option=$key" \
                        --weights "$out/$case.weights.safetensors" --batch "$out/$case.batch.safetensors" \
                        --out "$out/$case.wgrad.safetensors" &&
                    "$python" "$folder/compare.py" --quiet "$out/$case.wgrad.safetensors" \
                        "$out/$case.expected.safetensors" ||
                    { echo "$case FAILED"; failed=1; }
            done
        done
    done
done
exit $failed
