/* SPDX-License-Identifier: GPL-2.0 */
/*
 * KUnit tests of the deferred free: waiting for what others do.
 */
#ifndef _MM_ZSDEFER_POLL_H
#define _MM_ZSDEFER_POLL_H

#include <linux/iopoll.h>
#include <linux/time64.h>

/* Wait until @_cond is true, for some seconds; 0 if it is. */
#define zt_poll(_cond, _seconds)					\
({									\
	bool _true;							\
									\
	read_poll_timeout(/* no function */, _true, _true, 100,		\
			  (_seconds) * USEC_PER_SEC, false, _cond);	\
})

#endif /* _MM_ZSDEFER_POLL_H */
