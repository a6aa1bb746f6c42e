# SPDX-License-Identifier: GPL-2.0
#
# Front door. Everything else is in scripts/; "make help" lists it.

commands := try run test soak kunit scenes builds bench eval eval-target shell dkms series check
.PHONY: help $(commands) test-all mutants kernel apply unapply clean

help:
	@sed -n 's/^#: //p' Makefile

#: Deferred free for zsmalloc. The first use installs what is missing.
#:
#:   make try       the shortest way to a measured kill: Debian's own 6.12 kernel, zram's
#:                  modules unpatched against ours, minutes on a fresh machine
#:   make run       measure a kill: the same work, unpatched kernel against patched,
#:                  in turns; a table, and a page with every sample
#:   make test      run the tests; TESTS="..." picks some (make test TESTS=help)
#:   make test-all  all that there are, also those that take too long for that
#:   make soak      everything at once for MINUTES=10; SEED= repeats one
#:   make kunit     the KUnit suites on User-mode Linux: seconds when warm
#:   make mutants   are one-line mistakes in ours noticed? MUTANTS="..." picks some
#:   make scenes    what distributions do with zram, unpatched beside ours: a table;
#:                  ROUNDS= for how long, KERNEL= for another kernel of configs/
#:   make builds    compile what is ours, and what the patches change, in some
#:                  25 configurations, with all warnings; BUILDS="..." picks
#:   make bench     cost of release and drain in instructions: unpatched, option n,
#:                  turned off, and on; BASELINE=revision compares with another
#:                  one's. NATIVE=1: in nanoseconds of this machine's own CPU, with
#:                  what its caches miss; NATIVE=profile: of these, by line
#:   make eval      the same work on the unpatched kernel, on ours and on other
#:                  designs: a report with pictures that answers the reviewers'
#:                  questions; PARTS="..." and DESIGNS="..." pick some
#:   make eval-target   a kit that runs its programs on a phone or a board
#:   make shell     a shell in a guest with zram swap and the knobs at hand;
#:                  KERNEL=checked takes another kernel of configs/
#:   make kernel    only fetch, patch and build the kernels
#:   make dkms      a Debian package that builds zram for the kernels that a machine has
#:   make apply KDIR=tree     put the feature into a kernel tree of yours
#:   make unapply KDIR=tree   take it out again; CHECK=1 only tells, for both
#:                            WITHOUT=all applies no optional patch
#:   make series    the patches as they would be mailed, two folders for git am; with
#:                  RESULTS= of a "make eval PARTS=patches" they have their figures
#:   make check     shellcheck, checkpatch, kernel-doc, Sphinx, coccicheck and
#:                  sparse over what is here, and whether newer kernels will take it
#:   make clean     remove the results; the cache folder stays
#:
#: Variables, on the command line or in the environment:
#:   KSRC=...           a kernel tree or tarball, in place of Debian's package
#:   BASE=7.3           the kernel to build for: a folder of patches/ (7.3, 6.12)
#:   UPDATE=1           look for a newer package of that base
#:   ZSDEFER_CACHE=...  sources, builds and ccache (~/.cache/zsdefer)
#:   JOBS=...           parallel jobs of a build
#:   RESULTS=...        where results go, in place of results/TIME/
#:   RUNS= SIZE= SIZES= MEM= CPUS= PARTS= DESIGNS= ROUNDS= BIG= KNOBS= BOOTS= ONLY=
#:   AT_ONCE= DOC= KIT= KEEP= FILTER=
#:                      what is measured or tested; see the head of the command's script

# A command is a script of that name.
$(commands):
	@scripts/$@.sh

test-all:
	@TESTS=all scripts/test.sh

mutants:
	@scripts/mutants.sh $(MUTANTS)

kernel:
	@scripts/kernel/build.sh unpatched on

apply unapply:
	@test -n "$(KDIR)" || { echo "error: make $@ KDIR=tree" >&2; exit 2; }
	@scripts/apply.sh $@ "$(KDIR)"

clean:
	rm -rf results
