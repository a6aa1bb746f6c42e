# SPDX-License-Identifier: GPL-2.0
#
# Run the kernel's own selftests of zswap, with the disk as the swap behind it.
# What they say goes to /out/zswap.txt, to be compared between kernels; one
# that fails on the unpatched kernel, too, is not our failure. The host gets
# the disk back at the end.
mkdir -p /sys/fs/cgroup
mount -t cgroup2 cgroup2 /sys/fs/cgroup &&
mkswap /dev/vda >/dev/null && swapon /dev/vda || exit 1
cd /tmp || exit 1
test_zswap >/out/zswap.txt 2>&1
cat /out/zswap.txt
plan=$(sed -n 's/^1\.\.//p' /out/zswap.txt)
{
	echo "TAP version 13"
	echo "1..1"
	if [ "$(grep -cE '^(not )?ok ' /out/zswap.txt)" = "$plan" ]; then
		echo "ok 1 all_tests_gave_a_result"
	else
		echo "not ok 1 all_tests_gave_a_result"
	fi
} >/out/zswap.tap
swapoff /dev/vda && grep -q '^ok' /out/zswap.tap
