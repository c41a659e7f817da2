#!/bin/sh
# Shows a notification of the desktop when a job has ended:
#   zoetrope run image_to_video_v3 --image sea.jpg --exec examples/notify.sh
# or, for every job, in zoetrope.toml:
#   [hooks]
#   on_end = ["/path/to/notify.sh"]
set -eu

title="Zoetrope: $ZOETROPE_STATE"
text="${ZOETROPE_FILE:-$ZOETROPE_JOB} (charged: $ZOETROPE_CHARGED${ZOETROPE_COST:+, $ZOETROPE_COST})"
if command -v notify-send >/dev/null; then
    notify-send -- "$title" "$text"
elif command -v osascript >/dev/null; then
    # As arguments: a text of AppleScript could be a command.
    osascript -e 'on run {title, words}
        display notification words with title title
    end run' "$title" "$text"
else
    printf '%s\n%s\n' "$title" "$text"
fi
