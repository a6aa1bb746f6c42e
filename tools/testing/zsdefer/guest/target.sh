# SPDX-License-Identifier: GPL-2.0
#
# target.sh [NAME]: the evaluation's releases and latencies on this machine, as
# root, on a zram device of its own that goes away again; results go to
# $zs_out/NAME/. Where frees can be deferred they are, and then once more not:
# without a NAME these are called perclass and disabled, and another kernel's
# unpatched.
#
#	RUNS=5		runs of each
#	SIZES="..."	MIBxPROCESSES; by default up to a quarter of free memory
#
# shellcheck source=tools/testing/zsdefer/guest/lib.sh
zs_jobs=$(cd "$(dirname "$0")" && pwd)
export zs_jobs
to=${zs_out:-/out} runs=${RUNS:-${zs_runs:-5}} SIZES=${SIZES:-${zs_sizes:-}}
control=/sys/class/zram-control

fail()
{
	echo "error: $*" >&2
	exit 1
}

[ "$(id -u)" = 0 ] || fail "this needs root, for swap"
[ -r $control/hot_add ] || fail "there is no $control: no zram here"
free=$(awk '/^MemAvailable:/ { print int($2 / 1024 / 4) }' /proc/meminfo)
[ "$free" -ge 64 ] || fail "only $((free * 4)) MiB of memory are free"
if [ -z "$SIZES" ]; then
	for size in 64x1 128x1 256x1 256x4 512x1; do
		[ "${size%x*}" -gt "$free" ] || SIZES="$SIZES $size"
	done
	: "${SIZES:=32x1}"
fi
cluster=$(cat /proc/sys/vm/page-cluster)
id=$(cat $control/hot_add) || fail "no further zram device"
export zs_zram="zram$id"
# Not every system makes the node by itself.
[ -b "/dev/$zs_zram" ] ||
	mknod "/dev/$zs_zram" b "$(cut -d : -f 1 "/sys/block/$zs_zram/dev")" \
		"$(cut -d : -f 2 "/sys/block/$zs_zram/dev")"

idle()
{
	swapoff "/dev/$zs_zram" 2>/dev/null
	echo 1 >"/sys/block/$zs_zram/reset"
}
trap 'idle; echo "$id" >$control/hot_remove; echo "$cluster" >/proc/sys/vm/page-cluster' EXIT
trap 'exit 130' INT TERM

# measure NAME: all jobs under this name.
measure()
{
	mkdir -p "$to/$1/release" "$to/$1/latency" || exit 1
	{
		echo "name $1"
		echo "kernel $(uname -srm)"
		echo "CPUs $(nproc),$(sed -n 's/^\(model name\|Hardware\)[^:]*://p' /proc/cpuinfo | head -n 1)"
		echo "memory $(awk '/^MemTotal:/ { print int($2 / 1024) }' /proc/meminfo) MiB"
	} >"$to/$1/machine"
	# shellcheck disable=SC2086 # sizes are words
	zs_out=$to/$1/release sh "$zs_jobs/release.sh" "$runs" kill $SIZES ||
		fail "the releases failed"
	idle
	zs_out=$to/$1/latency sh "$zs_jobs/latency.sh" "$runs" \
		$((free > 128 ? 128 : free)) ||
		fail "the latencies failed"
	idle
}

export zs_wait=2000
if [ -d "/sys/block/$zs_zram/deferred_free" ]; then
	zs_defer=0 measure "${1:+$1-}disabled"
	zs_defer=1 measure "${1:-perclass}"
else
	measure "${1:-unpatched}"
fi
echo "results are in $to"
