#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Boot the feature kernel with zram swap set up, and give a shell in it.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

lock_cache
image=$("$here/scripts/image.sh")
trap 'rm -f "$image"' EXIT
build=$("$here/scripts/kernel-build.sh" on)
flock -u 9
"$here/scripts/vm.sh" shell "$build" "$image"
