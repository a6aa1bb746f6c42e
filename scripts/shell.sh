#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Boot a kernel with zram swap set up, and give a shell in it.
#
#	KERNEL=on	a flavour: configs/*.config, or unpatched, off, ...
set -euo pipefail
. "$(dirname "$0")/lib/common.sh"

lock_cache
build=$("$here/scripts/kernel/build.sh" "${KERNEL:-on}")
image=$("$here/scripts/guest/image.sh" "$build")
trap 'rm -f "$image"' EXIT
flock -u 9
"$here/scripts/guest/vm.sh" shell "$build" "$image"
