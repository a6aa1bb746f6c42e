# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154
# With the option off, the free path is the unpatched kernel's.

test_object()
{
	local unpatched off on
	local free="slot_free zram_slot_free_notify zram_bio_discard zram_write_page"

	unpatched=$(built unpatched) off=$(built off) on=$(built on)
	check "option off: mm/zswap.o has the unpatched code" \
		same_code "$off" "$unpatched" mm/zswap.o
	! nm "$off/drivers/block/zram/zram_drv.o" | grep ' zram_free_page$' >/dev/null ||
		free="zram_free_page zram_slot_free_notify zram_submit_bio"
	check "option off: mm/zsmalloc.o has the unpatched code" \
		same_code "$off" "$unpatched" mm/zsmalloc.o
	# shellcheck disable=SC2086 # a function a word
	check "option off: the free path of zram_drv.o is the unpatched one" \
		same_code "$off" "$unpatched" drivers/block/zram/zram_drv.o $free
	check "option off: no C file of ours is compiled" no_file_of_ours "$off"
	check "option on: there is one (the look can fail)" \
		grep -q 'mm/zsdefer/zspage\.c' "$on/mm/.zsmalloc.o.cmd"
	check "option off: the kernel has the unpatched one's size" \
		diff "$off/size" "$unpatched/size"
	check "option on: the free path differs (the comparison can fail)" \
		differs "$on" "$unpatched" \
		drivers/block/zram/zram_drv.o "${free%% *}"
}

no_file_of_ours()
{
	grep -q 'mm/zsmalloc\.c' "$1/mm/.zsmalloc.o.cmd" &&
	! grep -o 'mm/zsdefer/[a-z]*\.c' "$1/mm/.zsmalloc.o.cmd"
}

# Code with its relocations. Line numbers and file names do not count, nor do the
# places of strings, which follow from how long the names of files are, and numbers
# that the compiler gives out.
disassemble()
{
	local file=$1 f

	shift
	[ $# -gt 0 ] || set -- ''
	for f in "$@"; do
		objdump -dr --no-show-raw-insn --no-addresses \
			${f:+--disassemble="$f"} "$file" |
			grep -v 'file format' |
			sed 's/__bug_table.*//; s/\(\.rodata\.str[0-9.]*\)+0x.*/\1/
				s/\(__UNIQUE_ID_[a-z_]*\)[0-9]*/\1/'
	done
}

same_code()
{
	local a=$1/$3 b=$2/$3

	shift 3
	disassemble "$a" "$@" >"$tmp/a"
	disassemble "$b" "$@" >"$tmp/b"
	[ "$(grep -c '^\s' "$tmp/a")" -gt 50 ] && diff "$tmp/a" "$tmp/b"
}

# Not for want of code to compare.
differs()
{
	! same_code "$@" && [ "$(grep -c '^\s' "$tmp/a")" -gt 20 ] &&
	[ "$(grep -c '^\s' "$tmp/b")" -gt 20 ]
}
