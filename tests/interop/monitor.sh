#!/bin/sh
# Drives `wgrad monitor` in a terminal of its own, under tmux: what it shows while a run's folder is filled, at another size of
# the window, and that the shell has its terminal back after q, Esc, Ctrl-C and SIGTERM. Takes tmux and a built
# target/release/wgrad, or the program that is named: tests/interop/monitor.sh [WGRAD]
set -eu
wgrad=$(realpath "${1:-target/release/wgrad}")
folder=$(mktemp -d)
socket=wgrad-monitor-$$
run=$folder/run-1
tm() { tmux -L "$socket" "$@"; }
trap 'tm kill-server 2>/dev/null || true; rm -rf "$folder"' EXIT
mkdir "$run"
tm -f /dev/null new-session -d -x 100 -y 32 "PS1='back> ' sh"

screen() { tm capture-pane -p; }
# Waits up to ten seconds until the screen holds the words.
sees() {
    tries=0
    until screen | grep -qF -- "$1"; do
        tries=$((tries + 1))
        if [ $tries -gt 100 ]; then
            echo "not on the screen: $1"
            screen
            exit 1
        fi
        sleep 0.1
    done
    echo "seen: $1"
}
epoch() {
    printf '{"epoch":%d,"step":%d,"lr":0.1,"train_loss":%s,"train_accuracy":%s,"val_loss":%s,"val_accuracy":%s,' \
        "$1" "$1" "$2" "$3" "$2" "$3"
    printf '"seconds":60.0,"images_per_second":500.0}\n'
}
start() {
    tm send-keys "clear; '$wgrad' monitor '$run'" Enter
    sees "q, Esc or Ctrl-C leaves"
}
# The program has gone, its screen too, and the shell echoes what is typed.
restored() {
    sees "back>"
    tm send-keys "echo a\$((1 + 1))b" Enter
    sees "a2b"
    if screen | grep -qF "Images per second"; then
        echo "its screen stayed after $1"
        exit 1
    fi
    echo "restored after $1"
}

start
sees "no epoch is finished yet"
printf 'model = "resnet20"\nactivation = "relu"\nepochs = 10\n' >"$run/config.toml"
epoch 1 2.0 0.25 | head -c 50 >"$run/metrics.jsonl"
sleep 1
sees "no epoch is finished yet"
epoch 1 2.0 0.25 | tail -c +51 >>"$run/metrics.jsonl"
sees "resnet20, relu; epoch 1 of 10; about 9 min left"
for number in 2 3 4 5; do
    epoch $number "1.$((9 - number))" "0.$((2 + number))" >>"$run/metrics.jsonl"
done
sees "epoch 5 of 10; about 5 min left"
sees "accuracy 70.00 %; validation 70.00 % (best 70.00 % in epoch 5)"
sees "validation"
screen
tm resize-window -x 60 -y 20
sees "Images per second"
screen
tm resize-window -x 100 -y 32
tm send-keys q
restored q
start
tm send-keys Escape
restored Esc
start
tm send-keys C-c
restored Ctrl-C
start
kill -TERM "$(tm list-panes -F '#{pane_pid}' | xargs -I{} pgrep -P {})"
restored SIGTERM
"$wgrad" monitor "$run" --once | grep -F "epoch 5 of 10" >/dev/null
"$wgrad" monitor "$run" | grep -F "Images per second" >/dev/null
echo "all as it should be"
