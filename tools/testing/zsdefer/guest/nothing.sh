# SPDX-License-Identifier: GPL-2.0
# Shows that a guest runs.
true
