#!/bin/sh
# Two nodes, one after the other: PopiArt redraws a picture, PixelML animates what came out.
#
#   examples/two-steps.sh PICTURE CLIP.mp4 [KEY]
#
# Each step is a job with a key of its own, so that the same command goes on where it stopped and pays
# for nothing twice. Without configured connections the practice provider does both.
set -eu

picture=$1 clip=$2 key=${3:-two-steps}
zoetrope=${ZOETROPE:-zoetrope}

drawn=$("$zoetrope" --json run popiskill-image-img2img-basic-v1 --key "$key-1" \
  --image "$picture" --set prompt="a watercolor of the same scene" --set strength=0.8)
url=$(printf '%s\n' "$drawn" | sed -n 's/.*"url":"\([^"]*\)".*/\1/p')

"$zoetrope" run image_to_video_v3 --key "$key-2" \
  --set image="$url" --set prompt="slow push in, tilt up" --set frame_rate=12 --out "$clip"
