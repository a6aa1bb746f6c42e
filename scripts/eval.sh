#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The evaluation: the same work on the unpatched kernel, on ours, and on other
# designs, all from one base and one configuration. What guests leave goes to
# results/eval-TIME/ as PART/DESIGN/GUEST/, and a report is made of it.
#
#	PARTS="..."	what is measured; all by default
#	DESIGNS="..."	on which kernels; all by default
#	ROUNDS=2	kernels take turns so many times, so that a machine that
#			slows down slows all of them
#	RUNS=2		runs of each release in a round
#	SIZES="..."	MIBxPROCESSES of the releases
#	SIZE=64		MiB of the releases whose instructions are counted, up to
#			128: what the other designs hold without falling back
#	BIG=256		MiB of those that are watched and profiled
#	KNOBS="..."	budgets, thresholds and delays of the sweep
#	DOC=1		have README's and the documents' figures, too, and REPORT.md
#	RESULTS=...	a folder of earlier results, whose other parts stay; with
#			PARTS=report only the report is made anew
#
# What "make eval-target" measured on another machine comes into the report if
# it is in RESULTS/target/.
# shellcheck disable=SC2086 # options and lists are words
set -euo pipefail
. "$(dirname "$0")/lib/common.sh"

all_parts="cost native zswap release compact holes irqs lmk pressure latency locks profile workers stress sweep cpus timeline algorithms patches"
# In the order that compiles least, which kernel/build.sh tells.
all_designs="unpatched array percpu pages deferring plain plain-disabled optional disabled perclass"
: "${PARTS:=$all_parts}" "${DESIGNS:=$all_designs}"
: "${ROUNDS:=2}" "${RUNS:=2}" "${SIZE:=64}" "${BIG:=256}"
: "${KNOBS:=1M+4M+16M+64M+256M 16+256+1024+4096 1+8+64}"
: "${SIZES:=64x1 128x1 256x1 512x1 256x2 256x4 256x16}"

for n in "$ROUNDS" "$RUNS" "$SIZE" "$BIG"; do
	[[ $n =~ ^[1-9][0-9]{0,2}$ ]] ||
		die "ROUNDS, RUNS, SIZE and BIG are numbers from 1 to 999, not $n"
done
[ "$SIZE" -le 128 ] || die "SIZE is 128 at most, not $SIZE"
[ -z "${WITHOUT:-}" ] || die "WITHOUT is not for eval; see DESIGNS=plain"
for size in $SIZES; do
	[[ $size =~ ^[0-9]+x[0-9]+$ ]] ||
		die "SIZES has $size, which is not MIBxPROCESSES"
done
[[ $KNOBS =~ ^[0-9KM+]+\ [0-9+]+\ [0-9+]+$ ]] ||
	die "KNOBS has budgets, thresholds and delays, joined by +, not $KNOBS"
for part in $PARTS; do
	[[ " $all_parts report " = *" $part "* ]] ||
		die "PARTS has $part; there are: $all_parts report"
done
for design in $DESIGNS; do
	[[ " $all_designs " = *" $design "* ]] ||
		die "DESIGNS has $design; there are: $all_designs"
done

# flavour_of DESIGN PART: what kernel/build.sh calls its kernel; on:N is of the first N
# patches of the series.
flavour_of()
{
	local flavour=${1%-disabled}

	case $2/$flavour in
	patches/00) echo unpatched ;;
	patches/*) echo "on:$((10#$flavour))" ;;
	*/deferring) echo "on:$((batches - 1))" ;;
	zswap-cgroup/disabled | zswap-cgroup/perclass) echo zswap ;;
	zswap-cgroup/*) echo "zswap-$flavour" ;;
	irqs/perclass) echo traced ;;
	irqs/*) echo "traced-$flavour" ;;
	pressure/perclass) echo distro ;;
	pressure/*) echo "distro-$flavour" ;;
	*/disabled | */perclass) echo on ;;
	*/array | */percpu | */pages) echo "design-$flavour" ;;
	*) echo "$flavour" ;;
	esac
}

series_of() { [[ $1 != *:* ]] || echo "${1#*:}"; }

# have_kernels PART DESIGN...: build those that they run on.
have_kernels()
{
	local part=$1 design flavour

	shift
	for design in $(among "$@"); do
		flavour=$(flavour_of "$design" "$part")
		[ -z "${builds[$flavour]:-}" ] || continue
		builds[$flavour]=$(SERIES=$(series_of "$flavour") \
			"$here/scripts/kernel/build.sh" "${flavour%:*}")
		images[$flavour]=$image
		[ ! -d "${builds[$flavour]}/lib" ] || {
			images[$flavour]=$("$here/scripts/guest/image.sh" "${builds[$flavour]}")
			own_images+=("${images[$flavour]}")
		}
		cp "${builds[$flavour]}/.config" "$out/config-${flavour/:/-}"
	done
}

# among DESIGN...: those of them that were asked for.
among()
{
	local design

	for design in "$@"; do
		[[ " $DESIGNS " != *" $design "* ]] || echo "$design"
	done
}

# Jiffies for which the host's CPUs were taken from it.
stolen()
{
	awk '/^cpu / { print $9 }' /proc/stat
}

# guest PART/DESIGN/GUEST "OPTIONS" JOB [ARG...]: run a job; OPTIONS are vm.sh's.
guest()
{
	local where=$1 options=$2 design flavour stolen

	shift 2
	design=$(basename "$(dirname "$where")")
	flavour=$(flavour_of "$design" "${where%%/*}")
	[[ $design != *disabled ]] || options="$options -e defer=0"
	stolen=$(stolen)
	"$here/scripts/guest/vm.sh" -a "$accel" -n "$where" -e wait=2000 -e spin=1 \
		$options "${builds[$flavour]}" "${images[$flavour]}" \
		"$out/$where" "$@" || die "$where failed; see $out/$where"
	{
		echo "stolen_jiffies $(($(stolen) - stolen))"
		echo "load $(cut -d ' ' -f 1 /proc/loadavg)"
		echo "commit $commit"
		echo "command $command"
	} >"$out/$where/host"
}

# anew PART DESIGN...: what an earlier run left of them is not to be mixed in.
anew()
{
	local part=$1 design

	shift
	for design in $(among "$@"); do
		rm -rf "${out:?}/$part/$design"
	done
}

# in_turns PART "DESIGN..." "OPTIONS" JOB [ARG...]: every round on each of them. Those
# that count instructions have one CPU each, and two run at a time.
in_turns()
{
	local part=$1 designs=$2 options=$3 round design beside=''

	shift 3
	anew "$part" $designs
	have_kernels "$part" $designs
	for round in $(seq "$ROUNDS"); do
		for design in $(among $designs); do
			start guest "$part/$design/$round" "$options" "$@"
			if [[ $options = -i* ]] && [ -z "$beside" ]; then
				beside=$child
				continue
			fi
			finish "$child"
			[ -z "$beside" ] || finish "$beside"
			beside=''
		done
	done
	[ -z "$beside" ] || finish "$beside"
}

# "plain" is what is like the other designs: none of these has patches that make
# zram's and the page allocator's part cheaper.
whole="unpatched array percpu pages plain perclass"

part_cost()
{
	local design beside

	anew cost $all_designs
	for design in $(among $all_designs); do
		# Each has one CPU, and counts instructions.
		start guest "cost/$design/long" "-i -m 1024" cost long "$SIZE" 2
		beside=$child
		guest "cost/$design/short" "-i -m 1024" cost short "$SIZE" 2
		finish "$beside"
	done
}

part_native()
{
	[ "$(dpkg --print-architecture)" = amd64 ] || return 0
	rm -rf "$out/native"
	RESULTS=$out/native "$here/scripts/guest/native.sh" >/dev/null
}

part_zswap()
{
	local cgroup="unpatched plain-disabled plain disabled perclass"

	in_turns zswap "optional $cgroup" "-i -m 512 -e zram=zswap" price on 16
	in_turns zswap-cgroup "$cgroup" \
		"-i -m 512 -e zram=zswap -e cgroup=1" price on 16
	in_turns zswap-kill "unpatched plain perclass" "-m 2048 -e zram=zswap" \
		release "$RUNS" kill 64x1 "${BIG}x1"
}

part_release()
{
	in_turns release "disabled $whole" "-m 2048" release "$RUNS" munmap $SIZES
}

# What deferring alone gives, what batches do, and what all patches do.
part_cpus()
{
	local cpus

	for cpus in 1 2 4 8; do
		in_turns cpus-$cpus "unpatched deferring plain perclass" \
			"-m 2048 -c $cpus" release "$RUNS" kill "${BIG}x1"
	done
}

part_compact()
{
	in_turns compact "$whole" "-m 1024" compact "$((RUNS + 1))" "$BIG"
}

part_holes()
{
	in_turns holes "unpatched plain perclass" "-m 512" holes "$SIZE" "$((RUNS + 1))"
}

part_irqs()
{
	in_turns irqs "unpatched perclass" "-i -m 512" irqs "$SIZE" "$RUNS"
}

# Of our workers, by default one for every four CPUs runs at a time.
part_workers()
{
	local n round

	for n in 1 2; do
		anew workers-$n perclass
	done
	[ -n "$(among perclass)" ] || return 0
	for round in $(seq "$ROUNDS"); do
		for n in 1 2; do
			guest "workers-$n/perclass/$round" \
				"-m 2048 -e max_active=$n" \
				release "$RUNS" kill "${BIG}x1" "${BIG}x4"
		done
	done
}

part_algorithms()
{
	local alg

	for alg in lzo-rle zstd; do
		in_turns alg-$alg "unpatched percpu plain perclass" \
			"-m 2048 -e alg=$alg" release "$RUNS" kill "${BIG}x1"
	done
}

part_timeline() { ROUNDS=1 in_turns timeline "$whole" "-m 2048" timeline 1 "$BIG"; }

part_lmk() { in_turns lmk "$whole" "-m 512" lmk "$((RUNS + 1))"; }

# The same where there is PSI, two apps at a time, beside a task that needs memory sixty
# times a second.
part_pressure()
{
	in_turns pressure "unpatched perclass" "-m 640" \
		lmk "$((RUNS + 1))" -k 2 -D 17
}

part_latency() { in_turns latency "$whole" "-m 1024" latency "$((RUNS + 1))" 128; }

part_stress() { in_turns stress "$whole" "-m 160" stress 76 vm mmap exit; }

part_sweep()
{
	[ -z "$(among perclass)" ] || guest sweep/perclass/1 "-m 2048 -t 3000" \
		sweep "$SIZE" 2 $KNOBS
}

part_profile() { ROUNDS=1 in_turns profile "$whole" "-m 2048" profile "$BIG" 4; }

# As many CPUs as there are, as far as that makes sense: waiting takes two, and
# those that queue up behind one who waits take a third. Then many, emulated if there
# are no more, all with objects of one class.
part_locks()
{
	local cpus

	cpus=$(nproc)
	cpus=$((cpus < 2 ? 2 : cpus > 8 ? 8 : cpus))
	ROUNDS=1 in_turns locks "$whole" "-m 2048 -c $cpus" \
		locks "$BIG" 4 mixed single
	for cpus in 4 8; do
		in_turns locks-$cpus "unpatched plain perclass" \
			"-m 2048 -c $cpus" crowd $((2 * cpus)) 10
	done
}

# Each patch of the series on top of those before it, as "make series" would send them.
part_patches()
{
	local n code swap beside

	rm -rf "${out:?}/patches"
	mkdir -p "$out/patches"
	{
		echo "00 - code the unpatched kernel"
		"$here/scripts/series.sh" list
	} >"$out/patches/list"
	while read -r n _ code _ <&3; do
		[ "$code" = code ] || continue
		DESIGNS=$n have_kernels patches "$n"
		for swap in zram0 zswap; do
			start guest "patches/$n/$swap" "-i -m 512 -e zram=$swap" \
				price on 16
			beside=$child
			[ "$n" = 00 ] || guest "patches/$n/$swap-off" \
				"-i -m 512 -e zram=$swap" price disabled 16
			finish "$beside"
		done
	done 3<"$out/patches/list"
}

part_report() { :; }

describe()
{
	echo "commit $commit"
	echo "kernel $(basename "$source")"
	echo "compiler $(gcc --version | head -n 1)"
	echo "qemu $(qemu-system-x86_64 -version | head -n 1)"
	echo "accelerator $accel"
	echo "host $(host)"
	echo "perf $(dpkg-query -W -f '${Version}' linux-perf)"
	echo "stress-ng $(dpkg-query -W -f '${Version}' stress-ng)"
	echo "command $command"
}

# shellcheck disable=SC2046 # a package a word
need_packages $(report_packages) python3-markdown libdevel-nytprof-perl
lock_cache
commit=$(revision)
command="make eval ROUNDS=$ROUNDS RUNS=$RUNS SIZE=$SIZE BIG=$BIG"
command="$command SIZES='$SIZES'"
out=${RESULTS:-$here/results/eval-$(date -u +%Y%m%d-%H%M%S)}
if [ "$PARTS" != report ]; then
	source=$("$here/scripts/kernel/source.sh")
	image=$("$here/scripts/guest/image.sh")
	# Where the series has what drains in batches, and not one object after the other.
	batches=$("$here/scripts/series.sh" list |
		awk '/ in batches, / { print $1 + 0 }')
	[[ $batches =~ ^[0-9]+$ ]] || die "which patch of the series has batches?"
	declare -A builds images
	own_images=()
	trap 'end_children; rm -f "$image" "${own_images[@]}"' EXIT
	mkdir -p "$out"
	say "results go to $out"
	have_kernels all $all_designs
	accel=$("$here/scripts/guest/vm.sh" accel \
		"$(printf '%s\n' "${builds[@]}" | head -n 1)" "$image")
	describe >"$out/machine"
	for part in $PARTS; do
		say "part: $part"
		"part_$part"
	done
fi
[ -f "$out/machine" ] || die "there are no results in $out"
/usr/bin/python3 "$here/scripts/report/eval_report.py" "$out"
if [ -n "${DOC:-}" ]; then
	[ ! -d "$out/cost" ] || cp "$out/plots/cost-mixed-long.svg" \
		"$here/Documentation/mm/zsmalloc-deferred-free.svg"
	python3 "$here/scripts/report/cited.py" "$out/figures.json"
	# Without pictures and raw samples, which stay in that folder.
	sed -E 's/!\[[^]]*\]\([^)]*\)//g; s/\[([^]]*)\]\([^)]*\)/\1/g; s/ +$//' \
		"$out/report.md" | cat -s >"$here/REPORT.md"
fi
say "report: $out/index.html and report.md"
