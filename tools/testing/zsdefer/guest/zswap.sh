# SPDX-License-Identifier: GPL-2.0
#
# Run the kernel's own selftests of zswap, and of cgroups' memory, with the disk as the
# swap behind it. What they say goes to /out/zswap.txt, to be compared between
# kernels; one that fails on the unpatched kernel, too, is not our failure. The host
# gets the disk back at the end.
mkdir -p /sys/fs/cgroup
mount -t cgroup2 cgroup2 /sys/fs/cgroup &&
mkswap /dev/vda >/dev/null && swapon /dev/vda || exit 1
cd /tmp || exit 1
for t in test_zswap test_memcontrol test_kmem; do
	$t >/tmp/said 2>&1
	cat /tmp/said
	cat /tmp/said >>/out/zswap.txt
	plan=$(sed -n 's/^1\.\.//p' /tmp/said)
	[ "$(grep -cE '^(not )?ok ' /tmp/said)" = "$plan" ] ||
		echo "not ok 1 all_tests_gave_a_result" >/tmp/short
done
{
	echo "TAP version 13"
	echo "1..1"
	cat /tmp/short 2>/dev/null || echo "ok 1 all_tests_gave_a_result"
} >/out/zswap.tap
swapoff /dev/vda && grep -q '^ok' /out/zswap.tap
