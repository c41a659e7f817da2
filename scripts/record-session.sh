#!/usr/bin/env bash
# Records what a user sees: drives a shell in tmux through a first clip, a batch with a bad line,
# an interrupted run, its resumption, a failure, the list of jobs and a receipt.
#
#     scripts/record-session.sh FOLDER [COLUMNS…]
#
# For each width (40, 80 and 200 unless they are given) it writes FOLDER/COLUMNS/: a file for each
# step with the text of the screen, and of the first clip what scripts/draw-run.sh draws: the
# command, what the terminal showed and when, and the clip.
#
# Needs tmux, and `script` from util-linux 2.35 or newer, so Linux. Uses the practice provider, and
# a data directory of its own. Every wait is limited.
set -euo pipefail
cd "$(dirname "$0")/.."
root="$PWD"

fail() { printf 'record-session: %s\n' "$*" >&2; exit 1; }

if [ $# -eq 0 ]; then fail "usage: scripts/record-session.sh FOLDER [COLUMNS…]"; fi
folder="$1"
shift
if [ $# -eq 0 ]; then set -- 40 80 200; fi
if ! command -v tmux >/dev/null; then fail "tmux is missing"; fi
case "$(script --version 2>/dev/null)" in
    *util-linux*) ;;
    *) fail "\`script\` from util-linux is missing" ;;
esac

# Everything is built before the recording.
cargo build --locked --quiet
mkdir -p "$folder"
folder="$(cd "$folder" && pwd)"
work="$(mktemp -d)"
server="zoetrope-session-$$"
# The processes of practice providers.
providers=""
# shellcheck disable=SC2086 # numbers without spaces in them
trap 'tmux -L "$server" kill-server 2>/dev/null || true; kill $providers 2>/dev/null || true; rm -rf "$work"' EXIT

# The longest wait for a command, in seconds.
longest=90

session() {
    local columns="$1" recording="$folder/$1" home="$work/$1"
    mkdir -p "$recording" "$home"
    cp examples/lighthouse.jpg "$home/"
    head -c 300 examples/lighthouse.jpg >"$home/broken.jpg"
    for n in 1 2 3 4 5; do
        printf '{"prompt": "wave %s", "image": "file:lighthouse.jpg", "frame_rate": 8}\n' "$n"
    done >"$home/lines.jsonl"
    sed '3s/"frame_rate": 8/"frame_rate": 800/' "$home/lines.jsonl" >"$home/bad.jsonl"
    # Jobs of this provider wait before they are rendered, so that there is time to interrupt one.
    "$root/target/debug/zoetrope" practice --queue-time 6s --data-dir "$home/slow" >"$home/slow.toml" 2>/dev/null &
    providers="$providers $!"
    # Not the configuration, the colours and the data of the user who runs this.
    cat >"$home/rc" <<EOF
PATH="$root/target/debug:\$PATH"
export HOME="$home"
unset ZOETROPE_CONFIG ZOETROPE_DATA_DIR ZOETROPE_LOG NO_COLOR CLICOLOR CLICOLOR_FORCE
unset XDG_CONFIG_HOME XDG_DATA_HOME
PS1='$ '
PROMPT_COMMAND='tmux -L $server wait-for -S prompt'
EOF
    tmux -L "$server" -f /dev/null new-session -d -s "$columns" -x "$columns" -y 60 -c "$home" \
        "TERM=tmux-256color bash --rcfile '$home/rc' --noprofile -i"
    prompt

    # The first command of the README, under `script`, which notes what was shown and when.
    local command
    command="$(awk '/^cargo run .*-- run /{found = 1} found{print} found && !/\\$/{exit}' README.md)"
    if [ -z "$command" ]; then fail "README.md has no line that begins with \`cargo run\` and runs a node"; fi
    printf '%s\n' "$command" >"$recording/command"
    printf '%s\n' "$home" >"$recording/directory"
    printf '%s\n' "$command" | sed 's/^cargo run .*-- run/zoetrope run/; s|examples/||' >"$home/first"
    enter "script -qec 'bash first' -O '$recording/output' -T '$recording/timing'"
    step 1-first-clip
    cp "$home/clip.mp4" "$recording/clip.mp4"

    enter "zoetrope run image_to_video_v3 --batch bad.jsonl --out-dir clips --key night"
    step 2-batch-with-a-bad-line
    enter "zoetrope run image_to_video_v3 --batch lines.jsonl --out-dir clips --key night"
    step 3-batch
    enter "zoetrope run image_to_video_v3 --image lighthouse.jpg --set prompt=rain --out rain.mp4 --config slow.toml"
    shown accepted
    tmux -L "$server" send-keys -t "$columns" C-c
    step 4-interrupted
    enter "zoetrope jobs resume last --config slow.toml"
    step 5-resumed
    enter "zoetrope run image_to_video_v3 --image broken.jpg --set prompt=fog --out fog.mp4"
    step 6-failure
    enter "zoetrope jobs"
    step 7-jobs
    enter "zoetrope jobs show last"
    step 8-show
    tmux -L "$server" kill-session -t "$columns"

}

# Waits until the shell shows its prompt.
prompt() {
    timeout "$longest" tmux -L "$server" wait-for prompt || fail "a command took more than $longest s"
}

# Types a command on an empty screen.
enter() {
    tmux -L "$server" send-keys C-l
    sleep 0.3
    tmux -L "$server" clear-history
    tmux -L "$server" send-keys -l "$1"
    tmux -L "$server" send-keys Enter
}

# Waits until the screen has a word.
shown() {
    local waited=0
    until tmux -L "$server" capture-pane -p | grep -q "$1"; do
        sleep 0.1
        waited=$((waited + 1))
        if [ "$waited" -gt $((longest * 10)) ]; then fail "the screen has no \"$1\""; fi
    done
}

# Waits for the prompt, and writes what is on the screen and above it.
step() {
    prompt
    sleep 0.3
    tmux -L "$server" capture-pane -p -S - | sed -e :a -e '/^\n*$/{$d;N;ba' -e '}' >"$recording/$1.txt"
}

for columns in "$@"; do
    session "$columns"
    printf 'record-session: %s columns: %s\n' "$columns" "$folder/$columns"
done
