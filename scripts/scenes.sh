#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What distributions do with zram, and what people report there, on the unpatched
# kernel and on ours, in a kernel configured like a distribution's:
# scenes.sh [OUT]. Prints a table; fails if a scene does that does not fail on
# the unpatched kernel, or if a figure is worse than there. OUT receives
# scenes.tap, the table, and a folder for each guest.
#
#	KERNEL=distro	or another that has an unpatched twin: distro-kasan, ...
#	ROUNDS=10	how often each scene does what it does, more or less
#	ONLY=...	some of the scenes of tools/testing/selftests/zsdefer/scenes.sh
#	AT_ONCE=1	all guests at the same time: sooner, but times say less
#	DOC=1		have the table in Documentation/, too
set -euo pipefail
. "$(dirname "$0")/lib/common.sh"

kernel=${KERNEL:-distro} out=${1:-$here/results/scenes}
[[ ${ROUNDS:=10} =~ ^[1-9][0-9]*$ ]] || die "ROUNDS is a number, not $ROUNDS"
images=() guests=() tiny=a_tiny_board
trap 'end_children; rm -f "${images[@]}"' EXIT

# guest unpatched|ours SMALL OPTION...
guest()
{
	local small=$2 image

	image=$(SMALL=$small "$here/scripts/guest/image.sh" "$build")
	images+=("$image")
	start "$here/scripts/guest/vm.sh" -t $limit -n "$flavour${small:+-small}" \
		"${@:3}" "$build" "$image" "$out/$1${small:+-small}" scenes \
		ROUNDS="$ROUNDS"
	guests[child]=$out/$1${small:+-small}
	[ -n "${AT_ONCE:-}" ] || await_guests
}

await_guests()
{
	for child in "${!guests[@]}"; do
		# What it found is the report's to judge.
		finish "$child" || [ -f "${guests[child]}/scenes.tsv" ] ||
			die "a guest left no results"
	done
	guests=()
}

# A kernel that does is slow.
watches()
{
	grep -qE '^CONFIG_(KASAN|PROVE_LOCKING)=y' "$build/.config"
}

lock_cache
mkdir -p "$out"
rm -rf "$out"/unpatched* "$out"/ours* "$out/scenes.tap"
for which in unpatched ours; do
	flavour=$kernel
	[ $which = ours ] || flavour=$kernel-unpatched
	build=$("$here/scripts/kernel/build.sh" "$flavour")
	limit=1800
	! watches || limit=5400
	[ "${ONLY:-}" = $tiny ] ||
		guest $which "" -k cma=64M -k numa=fake=2 -k movablecore=512M \
			${ONLY:+-e scenes="${ONLY// /,}"}
	# One that watches does not fit there.
	! watches || continue
	case ${ONLY:-$tiny} in
	*$tiny*) guest $which 1 -m 128 -c 1 -e scenes=$tiny ;;
	esac
done
await_guests
python3 "$here/scripts/report/scenes_report.py" "$out" >"$out/table.txt" || failed=1
cat "$out/table.txt"
[ -z "${DOC:-}" ] || cp "$out/table.txt" \
	"$here/Documentation/mm/zsmalloc-deferred-free-scenes.txt"
[ -z "${failed:-}" ] || die "worse than the unpatched kernel; see $out"
