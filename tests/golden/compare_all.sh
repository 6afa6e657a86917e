#!/bin/sh
# Compares `wgrad step` with PyTorch in float64 in every combination of model, activation, option and mode: a table of the
# worst ||error|| / ||value||, wgrad's and that of PyTorch's own float32; exit 1 where a tensor passes ten times the latter.
# PYTHON is a Python with requirements.txt; WGRAD the program; MODELS and ACTIVATIONS may be given.
set -u
folder=$(dirname "$0")
python=${PYTHON:-python3}
wgrad=${WGRAD:-target/release/wgrad}
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
failed=0
echo "| case | logits, loss, statistics: wgrad / float32 | gradients | PReLU's slopes | wgrad's worst gradient | right |"
echo "|---|---|---|---|---|---|"
for model in ${MODELS:-resnet20 resnet56}; do
    for activation in ${ACTIVATIONS:-relu leaky_relu elu prelu}; do
        for option in A B; do
            key=$(echo "$option" | tr AB ab)
            for mode in train eval; do
                case=$model-$activation-$option-$mode
                "$python" "$folder/generate.py" --model "$model" --activation "$activation" --option "$option" \
                    --mode "$mode" --out "$out" > /dev/null &&
                    "$wgrad" -q step --model "$model" --activation "$activation" --mode "$mode" --set "option=$key" \
                        --weights "$out/$case.weights.safetensors" --batch "$out/$case.batch.safetensors" \
                        --out "$out/$case.wgrad.safetensors" > /dev/null &&
                    "$python" "$folder/compare.py" --row "$case" "$out/$case.wgrad.safetensors" \
                        "$out/$case.expected.safetensors" ||
                    { echo "$case FAILED"; failed=1; }
            done
        done
    done
done
exit $failed
