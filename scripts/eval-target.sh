#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Make a kit that runs the evaluation's programs on a phone or a board: static
# programs for arm64 and amd64, and run.sh, in results/target-kit/ and as a
# tarball beside it; KIT=... has it elsewhere. What run.sh leaves in its results/
# is copied to the folder of an evaluation as target/, and comes into its report.
set -euo pipefail
. "$(dirname "$0")/lib/common.sh"
. "$(dirname "$0")/lib/newer-debian.sh"

need_packages build-essential gcc-aarch64-linux-gnu libc6-dev-arm64-cross \
	busybox-static
need_cache
kit=${KIT:-$here/results/target-kit}
[ ! -e "$kit" ] || [ -f "$kit/jobs/target.sh" ] ||
	die "KIT=$kit is there already, and no kit"
rm -rf "$kit"
mkdir -p "$kit/jobs" "$kit/bin-amd64" "$kit/bin-arm64"
cp "$here"/tools/testing/zsdefer/guest/{lib,release,latency,target}.sh "$kit/jobs/"
for machine in amd64 arm64; do
	bin=$kit/bin-$machine cc=gcc
	if [ $machine = arm64 ]; then
		cc=aarch64-linux-gnu-gcc
	elif [ "$(dpkg --print-architecture)" != amd64 ]; then
		rmdir "$bin"
		continue
	fi
	$cc -O2 -Wall -Wextra -Werror -static -o "$bin/zsbench" \
		"$here"/tools/testing/zsdefer/zsbench/*.c
	if [ $machine = "$(dpkg --print-architecture)" ]; then
		cp /bin/busybox "$bin/busybox"
	else
		busybox=$ZSDEFER_CACHE/tools/busybox-$machine
		[ -f "$busybox" ] || {
			mkdir -p "$ZSDEFER_CACHE/tools"
			foreign_file $machine busybox-static ./bin/busybox \
				"$busybox.part"
			mv "$busybox.part" "$busybox"
		}
		cp "$busybox" "$bin/busybox"
	fi
done
cat >"$kit/run.sh" <<'RUN'
#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# run.sh [NAME]: as root, on the machine to measure. See jobs/target.sh.
here=$(cd "$(dirname "$0")" && pwd)
case $(uname -m) in
aarch64) bin=$here/bin-arm64 ;;
x86_64) bin=$here/bin-amd64 ;;
*) echo "error: there are no programs for $(uname -m) here" >&2; exit 1 ;;
esac
mkdir -p "$here/tools" && "$bin/busybox" --install -s "$here/tools" || exit 1
PATH=$bin:$here/tools:$PATH zs_out=${zs_out:-$here/results} \
	exec "$bin/busybox" sh "$here/jobs/target.sh" "$@"
RUN
chmod +x "$kit/run.sh"
tar -C "$(dirname "$kit")" -czf "$kit.tar.gz" "$(basename "$kit")"
say "copy $kit.tar.gz to the machine, and run ./run.sh there as root;" \
    "then copy its results/ to results/eval-TIME/target/ here, and run" \
    "make eval PARTS=report RESULTS=results/eval-TIME"
