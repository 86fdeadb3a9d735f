#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# `make demo`: four systems on two CPUs (examples/demo.yaml), and what happened when.
# Usage: tools/demo.sh BUILD [OPTION of `hypike boot`...]      $ON: the emulated machine; $OUT: for the files
set -eu

build=$1
shift
here=$(dirname "$0")
hypike=$build/tools/hypike
system=$here/../examples/demo.yaml
out=${OUT:-$build/demo}

# QEMU's clock is this computer's, which does other things too: windows are late there by its whims.
case $ON in
qemu) bound=20ms ;;
*) bound=100us ;;
esac

"$here/fetch-guests.sh" "$build" gnumach
mkdir -p "$out"
"$hypike" check --picture "$system"
status=0
"$hypike" boot --on "$ON" --timeout 300 --trace "$out/demo.trace" "$@" "$system" || status=$?
"$hypike" trace --summary "$out/demo.trace"
"$hypike" trace --check "$system" --bound "$bound" "$out/demo.trace" || status=1
"$hypike" timeline "$out/demo.trace" -o "$out/timeline.html"
"$hypike" timeline --svg "$out/demo.trace" -o "$out/timeline.svg"
echo "What happened when: $out/timeline.html"
exit $status
