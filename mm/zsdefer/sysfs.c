// SPDX-License-Identifier: GPL-2.0
/*
 * Deferred free for zsmalloc: the knobs of a device, deferred_free/.
 *
 * A control object lives as long as its device, or zswap, an engine only as long as
 * its pool. Values are judged and kept here, and given to the engines that there
 * are, so that they can be set before the device is set up, and outlive its reset.
 */

#include <linux/ctype.h>
#include <linux/jiffies.h>
#include <linux/kstrtox.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/string.h>
#include <linux/sysfs.h>
#include <linux/zsdefer.h>

#include "zsdefer.h"

/**
 * zsdefer_parse() - read a number strictly
 * @buf: digits, perhaps a suffix, perhaps a newline, and nothing else
 * @suffix: whether one of K, M, G may follow the digits
 * @value: receives the number; unchanged if it is none
 *
 * Return: false if it is not one.
 */
static bool zsdefer_parse(const char *buf, bool suffix, unsigned long *value)
{
	static const char units[] = "KMG";
	char digits[24];
	unsigned int shift = 0;
	const char *unit;
	u64 number;
	size_t len;

	len = strcspn(buf, "\n");
	/* Signs, blanks and the empty string all fail here. */
	if (!isdigit(buf[0]) || len >= sizeof(digits) ||
	    (buf[len] == '\n' && buf[len + 1]))
		return false;
	memcpy(digits, buf, len);
	digits[len] = '\0';

	unit = strchr(units, toupper(digits[len - 1]));
	if (suffix && unit) {
		shift = 10 * (unit - units + 1);
		digits[len - 1] = '\0';
	}
	if (kstrtou64(digits, 10, &number) || number > ULONG_MAX >> shift)
		return false;

	*value = number << shift;
	return true;
}

/* Judge @params as a set, and put them into force. Called under ctl->lock. */
static int zsdefer_commit(struct zsdefer_ctl *ctl,
			  const struct zsdefer_params *params)
{
	struct zsdefer_params judged = *params;

	/* Memory may have shrunk since: that must not stop other changes. */
	if (params->budget == ctl->params.budget)
		judged.budget = PAGE_SIZE;
	if (!zsdefer_params_valid(&judged))
		return -EINVAL;

	/*
	 * What is shown changes last: whoever reads a bound finds that it has
	 * been kept already.
	 */
	zsdefer_share_out(ctl, params);
	ctl->params = *params;
	return 0;
}

/* The value that a file of this name is of, or NULL. */
static unsigned long *zsdefer_param(struct zsdefer_params *params,
				    const char *name)
{
	if (!strcmp(name, "enabled"))
		return &params->enabled;
	if (!strcmp(name, "budget"))
		return &params->budget;
	if (!strcmp(name, "class_budget"))
		return &params->class_budget;
	if (!strcmp(name, "drain_threshold"))
		return &params->drain_threshold;
	if (!strcmp(name, "drain_delay_ms"))
		return &params->drain_delay_ms;
	return NULL;
}

static ssize_t zsdefer_show_stats(struct zsdefer_ctl *ctl, char *buf)
{
	struct zsdefer_stats s = { };
	struct zsdefer *zd;

	list_for_each_entry(zd, &ctl->engines, of_ctl)
		zsdefer_add_stats(zd, &s);

	return sysfs_emit(buf,
			  "waiting_objects %lu\n"
			  "waiting_bytes %lu\n"
			  "queued %lu\n"
			  "drained %lu\n"
			  "zspages_freed_whole %lu\n"
			  "fallback_full %lu\n"
			  "fallback_budget %lu\n"
			  "fallback_disabled %lu\n"
			  "drains %lu\n"
			  "pages_freed %lu\n"
			  "longest_wait_ms %u\n"
			  "queue_memory_bytes %lu\n"
			  "pools %zu\n",
			  s.waiting_objects, s.waiting_bytes, s.queued,
			  s.freed.objects, s.freed.zspages_whole,
			  s.fallbacks[ZSDEFER_FULL],
			  s.fallbacks[ZSDEFER_BUDGET],
			  s.fallbacks[ZSDEFER_DISABLED],
			  s.freed.batches, s.freed.pages,
			  jiffies_to_msecs(s.longest_wait), s.memory,
			  list_count_nodes(&ctl->engines));
}

/**
 * zsdefer_ctl_show() - show a file of deferred_free/
 * @ctl: the device's knobs
 * @name: the file
 * @buf: a page for its text
 *
 * Context: Process context, may sleep.
 *
 * Return: the length of the text.
 */
ssize_t zsdefer_ctl_show(struct zsdefer_ctl *ctl, const char *name, char *buf)
{
	unsigned long *param = zsdefer_param(&ctl->params, name);

	guard(mutex)(&ctl->lock);
	if (!param)
		return zsdefer_show_stats(ctl, buf);
	return sysfs_emit(buf, "%lu\n", *param);
}
EXPORT_SYMBOL_GPL(zsdefer_ctl_show);

/**
 * zsdefer_ctl_store() - write a file of deferred_free/
 * @ctl: the device's knobs
 * @name: the file
 * @buf: what is written, with a NUL after it
 * @len: its length
 *
 * Context: Process context, may sleep.
 *
 * Return: @len, or -EINVAL if it can't be honoured: nothing has changed then.
 */
ssize_t zsdefer_ctl_store(struct zsdefer_ctl *ctl, const char *name,
			  const char *buf, size_t len)
{
	unsigned long value, *param;
	struct zsdefer_params params;
	struct zsdefer *zd;

	/* A value with a NUL inside is not what it seems. */
	if (strnlen(buf, len) != len ||
	    !zsdefer_parse(buf, !strcmp(name, "budget"), &value))
		return -EINVAL;

	guard(mutex)(&ctl->lock);
	params = ctl->params;
	param = zsdefer_param(&params, name);
	if (param) {
		*param = value;
		return zsdefer_commit(ctl, &params) ?: len;
	}
	/* The file "flush" */
	if (value != 1)
		return -EINVAL;
	list_for_each_entry(zd, &ctl->engines, of_ctl)
		zsdefer_flush(zd, "user");
	return len;
}
EXPORT_SYMBOL_GPL(zsdefer_ctl_store);
