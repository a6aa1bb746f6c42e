# SPDX-License-Identifier: GPL-2.0
#
# run.sh PROFILE_MIB MIBxPROCS...: what "make run" has a freshly booted kernel
# do: release memory by killing its processes, then the same under perf.
profile_mib=$1
shift
sh /job/release.sh 1 kill "$@" || exit
zs_warm=1 sh /job/profile.sh "$profile_mib" 1
