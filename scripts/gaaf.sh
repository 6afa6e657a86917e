#!/bin/sh
# The first epochs of GAAF-keras' table: its rows trained on a part of CIFAR-10, side by side in OUT/compare.md.
# Usage: scripts/gaaf.sh CIFAR10-FOLDER OUT [RECIPE...]    (all of the table's rows where none is named)
#   WGRAD  the program [default: target/release/wgrad]     EPOCHS [default: 2]     SEEDS [default: 1]
#   IMAGES of each of the five files of training images [default: 2000]     TEST images [default: 5000]
# By 32 images, not 128: so few steps of 128 are within the memory of the running statistics (momentum 0.99), and evaluation would
# still see their first values. What was cut off goes on with the same command.
set -eu
data=${1:?usage: scripts/gaaf.sh CIFAR10-FOLDER OUT [RECIPE...]}
out=${2:?usage: scripts/gaaf.sh CIFAR10-FOLDER OUT [RECIPE...]}
shift 2
wgrad=${WGRAD:-target/release/wgrad}
part=$out/images
mkdir -p "$part"
# A record is a label and 3,072 bytes.
for file in 1 2 3 4 5; do
    head -c $((3073 * ${IMAGES:-2000})) "$data/data_batch_$file.bin" > "$part/data_batch_$file.bin"
done
head -c $((3073 * ${TEST:-5000})) "$data/test_batch.bin" > "$part/test_batch.bin"
[ $# -gt 0 ] || set -- gaaf_relu gaaf_shift_5 gaaf_shift_4 gaaf_shift_3 gaaf_shift_2 gaaf_shift_1 gaaf_shift_0 gaaf_shift_m05 \
    gaaf_shift_m1 gaaf_shift_m2 gaaf_shift_m3 gaaf_shift_m4 gaaf_no_shape gaaf_round_m1
# Not quoted: the program may be named with what it runs under.
$wgrad compare "$@" --data "$part" --epochs "${EPOCHS:-2}" --seeds "${SEEDS:-1}" --set batch=32 --out "$out"
