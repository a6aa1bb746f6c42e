#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Run one job in a guest:
#
#	vm.sh [-a ACCEL] [-m MIB] [-c CPUS] [-t SECONDS] [-i] [-n NAME] \
#		[-e NAME=VALUE]... [-k WORD]... BUILD IMAGE OUT JOB [ARG...]
#	vm.sh accel BUILD IMAGE		print kvm or tcg, found out by trying
#	vm.sh shell BUILD IMAGE		an interactive shell
#	vm.sh disk BUILD IMAGE INITRD DISK	a system that is on a disk of its own
#
# OUT receives what the job left, console.log and the QEMU command line.
# Exits with the job's own status. -i counts instructions instead of time. What
# -e sets, the job finds as $zs_NAME; a WORD of -k is for the kernel. One that was
# built as a process (User-mode Linux) runs without QEMU, on one CPU.
set -euo pipefail
. "$(dirname "$0")/../lib/common.sh"

mem=2048 cpus=2 limit=600 icount='' label='' accel=''
# What is in the image stays in memory: it is not to be swapped out and in.
append="quiet panic=-1 oops=panic rootfstype=ramfs"

# The machine that a kernel was built for.
find_machine()
{
	qemu=()
	if grep -q '^CONFIG_UML=y' "$1/.config"; then
		kernel=$1/linux accel=none cpus=1
		append="console=tty0 $append"
	elif grep -q '^CONFIG_ARM64=y' "$1/.config"; then
		need_packages qemu-system-arm
		qemu=(qemu-system-aarch64 -M virt) cpu=max,pauth-impdef=on
		kernel=$1/arch/arm64/boot/Image
		append="console=ttyAMA0 $append"
		# A PC's KVM is of no use to it.
		accel=tcg
	else
		need_packages qemu-system-x86
		# With five levels of page tables KASAN complains of an interrupt
		# that comes while identify_cpu() has the CPU's features cleared.
		qemu=(qemu-system-x86_64 -M pc) cpu=max,la57=off
		# Who waits for a spinlock has his turn only where Linux sees no
		# hypervisor; beyond this machine's CPUs that would be slow.
		[ "$cpus" -gt "$(nproc)" ] || cpu=$cpu,-hypervisor
		kernel=$1/arch/x86/boot/bzImage
		# A busy machine is late with the ticks that are counted at boot.
		append="console=ttyS0 $append tsc=reliable no_timer_check"
	fi
}

qemu()
{
	local accel=$1

	shift
	case $accel in
	kvm) set -- -accel kvm -cpu host "$@" ;;
	tcg) set -- -accel tcg,thread=multi -cpu "$cpu" "$@" ;;
	icount) set -- -accel tcg,thread=single -cpu "$cpu" \
		-icount shift=0,sleep=off "$@" ;;
	esac
	printf '%q ' "${qemu[@]}" -nodefaults -no-user-config \
		-display none -no-reboot "$@"
}

process()
{
	# shellcheck disable=SC2086 # an argument a word
	printf '%q ' "$kernel" "mem=${mem}M" ncpus=1 seccomp=on "initrd=$image" \
		"ubd0=$disk" con=null con0=null,fd:1 $append
}

# Firmware without ACPI's tables tells of one CPU in each socket.
smp()
{
	echo "$1,sockets=$1,cores=1,threads=1"
}

# An emulated guest reads the host's time stamp counter, and often fails to
# calibrate it against an emulated timer; so it is told.
tell_tsc()
{
	local khz

	[ "${qemu[*]}" = "qemu-system-x86_64 -M pc" ] || return 0
	case $1 in
	icount) khz=1000000 ;;
	tcg) khz=$("$ZSDEFER_CACHE/image/zsbench" tsc) || return 0 ;;
	*) return 0 ;;
	esac
	append="$append tsc_early_khz=$khz"
}

# KVM counts only if a guest gets as far as our init under it.
find_accel()
{
	local build=$1 image=$2 key saved tmp

	key="$(cat /proc/sys/kernel/random/boot_id) $(qemu-system-x86_64 -version | head -n 1)"
	saved=$ZSDEFER_CACHE/accel
	if [ -f "$saved" ] && [ "$(head -n 1 "$saved")" = "$key" ]; then
		tail -n 1 "$saved"
		return
	fi
	accel=tcg
	if [ -r /dev/kvm ] && [ -w /dev/kvm ]; then
		say "trying whether a guest runs under KVM (15 s at most)"
		tmp=$(mktemp -d)
		eval "timeout 15 $(qemu kvm -m 512 -smp 1 -serial stdio \
			-kernel "$kernel" \
			-initrd "$image" -append "$append zs.job=nothing")" \
			</dev/null >"$tmp/log" 2>&1 || true
		! grep -q '@@ done' "$tmp/log" || accel=kvm
		rm -rf "$tmp"
	fi
	printf '%s\n%s\n' "$key" "$accel" >"$saved"
	[ $accel = kvm ] || say "no working KVM: guests are emulated (TCG)"
	echo "$accel"
}

case ${1:-} in
accel)
	find_machine "$2"
	find_accel "$2" "$3"
	exit
	;;
shell)
	find_machine "$2"
	[ "$accel" != none ] || die "a kernel that is a process has no shell here"
	[ -n "$accel" ] || accel=$(find_accel "$2" "$3")
	tell_tsc "$accel"
	say "starting the guest; Ctrl-A X ends it"
	eval "exec $(qemu "$accel" -m "$mem" -smp "$(smp "$cpus")" \
		-serial mon:stdio -kernel "$kernel" \
		-initrd "$3" -append "$append zs.job=shell")"
	;;
disk)
	find_machine "$2"
	accel=$(find_accel "$2" "$3")
	tell_tsc "$accel"
	eval "exec $(qemu "$accel" -m 1024 -smp "$(smp "$cpus")" -serial stdio \
		-drive "file=$5,format=raw,if=virtio,cache=unsafe" \
		-kernel "$kernel" -initrd "$4" \
		-append "$append rootfstype=ext4 root=/dev/vda rw")"
	;;
esac

while getopts a:m:c:t:in:e:k: o; do
	case $o in
	a) accel=$OPTARG ;;
	m) mem=$OPTARG ;;
	c) cpus=$OPTARG ;;
	t) limit=$OPTARG ;;
	i) icount=1 ;;
	n) label=$OPTARG ;;
	e) append="$append zs.$OPTARG" ;;
	k) append="$append $OPTARG" ;;
	*) exit 2 ;;
	esac
done
shift $((OPTIND - 1))
[ $# -ge 4 ] || die "usage: $0 [options] BUILD IMAGE OUT JOB [ARG...]"
build=$1 image=$2 out=$3 job=$4
shift 4
args=$(IFS=,; echo "$*")

asked=$accel
find_machine "$build"
accel=${asked:-$accel}
[ -n "$accel" ] || accel=$(find_accel "$build" "$image")
# Calibrating the local timer is a loop of two tenths of a second, 10 s of ours.
# There, time jumps ahead when nothing is to do: no patience is to be lost.
if [ -n "$icount" ]; then
	accel=icount cpus=1 append="$append nolapic_timer"
else
	append="$append zs.limit=$limit"
fi

tell_tsc "$accel"
rm -rf "$out"
mkdir -p "$out"
disk=$(mktemp "$out/disk-XXXXXX")
# Background jobs do not hear Ctrl-C: the guest must be told.
trap 'rm -f "$disk"; [ ! -s "$out/pid" ] || kill "$(cat "$out/pid")" 2>/dev/null || true' EXIT
trap 'exit 130' INT TERM
truncate -s 2G "$disk"
append="$append zs.job=$job zs.args=$args"
if [ "$accel" = none ]; then
	command=$(process)
else
	command=$(qemu "$accel" -m "$mem" -smp "$(smp "$cpus")" -serial stdio \
		-pidfile "$out/pid" \
		-drive "file=$disk,format=raw,if=virtio,cache=unsafe" \
		-kernel "$kernel" -initrd "$image" -append "$append")
fi
printf '%s\n' "$command" >"$out/qemu-command"

run_guest()
{
	local rc=0

	eval "timeout --foreground $limit $command" </dev/null 9>&- \
		2>"$out/qemu-errors" | sed -u 's/\r//g' |
		tee "$out/console.log" |
		while IFS= read -r line; do
			case $line in
			*'@@ done') ;;
			*'@@ '*) say "  ${label:+$label: }${line#*@@ }" ;;
			esac
		done &
	wait $! || rc=$?
	return $rc
}

status=0 why=''
run_guest || status=$?
# QEMU 7.2 did so with eight CPUs once, before the kernel had said anything.
[ $status -ne $((128 + 11)) ] || [ -s "$out/console.log" ] || why="crashed"
# While Linux patches itself at boot, another CPU may be given a breakpoint that is
# gone already: seen once, of Debian's own kernel.
[ "$accel" = kvm ] || grep -q '@@ ' "$out/console.log" ||
	! grep -q 'Oops: int3' "$out/console.log" || why="took old code for new"
[ -z "$why" ] || {
	say "${label:+$label: }the emulator $why; once more"
	run_guest || true
}
grep -q '@@ done' "$out/console.log" || {
	tail -n 30 "$out/console.log" >&2
	cat "$out/qemu-errors" >&2
	die "${label:+$label: }the guest did not finish $job within $limit s;" \
	    "see $out/console.log"
}
tar -xf "$disk" -C "$out" 2>/dev/null || die "the guest left no results"
[ "$(cat "$out/cpus")" = "$cpus" ] ||
	die "the guest found $(cat "$out/cpus") CPUs, not $cpus"
exit "$(cat "$out/exit")"
