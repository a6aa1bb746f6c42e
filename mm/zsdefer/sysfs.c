// SPDX-License-Identifier: GPL-2.0
/*
 * Deferred free for zsmalloc: the knobs of a device, deferred_free/.
 *
 * A control object lives as long as its device, an engine only as long as
 * the device's pool. Values are judged and kept here, and given to the
 * engine when there is one, so that they can be set before the device is
 * set up, and outlive its reset.
 */

#include <linux/ctype.h>
#include <linux/jiffies.h>
#include <linux/kobject.h>
#include <linux/kstrtox.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/sysfs.h>
#include <linux/zsdefer.h>

#include "zsdefer.h"

/**
 * struct zsdefer_ctl - the knobs of a device
 * @kobj: the directory deferred_free/
 * @lock: guards @params and @zd, and orders their changes
 * @params: the values; zsdefer_params_valid() is true of them as a set
 * @zd: the engine of the device's pool, NULL while it has none
 */
struct zsdefer_ctl {
	struct kobject kobj;
	struct mutex lock;	/* params and zd */
	struct zsdefer_params params;
	struct zsdefer *zd;
};

struct zsdefer_attr {
	struct attribute attr;
	ssize_t (*show)(struct zsdefer_ctl *ctl, char *buf);
	int (*store)(struct zsdefer_ctl *ctl, const char *buf);
};

static struct zsdefer_ctl *kobj_to_ctl(struct kobject *kobj)
{
	return container_of(kobj, struct zsdefer_ctl, kobj);
}

/**
 * zsdefer_parse() - read a number strictly
 * @buf: digits, perhaps a suffix, perhaps a newline, and nothing else
 * @suffix: whether one of K, M, G may follow the digits
 * @max: the largest value that is accepted
 * @value: receives the number; unchanged on error
 *
 * Return: 0 or -EINVAL.
 */
static int zsdefer_parse(const char *buf, bool suffix, unsigned long max,
			 unsigned long *value)
{
	static const char units[] = "KMG";
	char digits[24];
	unsigned int shift = 0;
	const char *unit;
	u64 number;
	size_t len;

	len = strcspn(buf, "\n");
	/* Signs, blanks and the empty string all fail here. */
	if (!isdigit(buf[0]) || len >= sizeof(digits))
		return -EINVAL;
	if (buf[len] == '\n' && buf[len + 1])
		return -EINVAL;
	memcpy(digits, buf, len);
	digits[len] = '\0';

	unit = strchr(units, toupper(digits[len - 1]));
	if (suffix && unit) {
		shift = 10 * (unit - units + 1);
		digits[len - 1] = '\0';
	}
	if (kstrtou64(digits, 10, &number) || number > (u64)max >> shift)
		return -EINVAL;

	*value = number << shift;
	return 0;
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
	if (ctl->zd)
		zsdefer_set_params(ctl->zd, params);
	ctl->params = *params;
	return 0;
}

#define ZSDEFER_PARAM(_name, _suffix, _max)				\
static ssize_t _name##_show(struct zsdefer_ctl *ctl, char *buf)	\
{									\
	guard(mutex)(&ctl->lock);					\
	return sysfs_emit(buf, "%lu\n",					\
			  (unsigned long)ctl->params._name);		\
}									\
									\
static int _name##_store(struct zsdefer_ctl *ctl, const char *buf)	\
{									\
	struct zsdefer_params params;					\
	unsigned long value;						\
	int err;							\
									\
	err = zsdefer_parse(buf, _suffix, _max, &value);		\
	if (err)							\
		return err;						\
									\
	guard(mutex)(&ctl->lock);					\
	params = ctl->params;						\
	params._name = value;						\
	return zsdefer_commit(ctl, &params);				\
}									\
									\
static struct zsdefer_attr _name##_attr =				\
	__ATTR(_name, 0644, _name##_show, _name##_store)

ZSDEFER_PARAM(enabled, false, 1);
ZSDEFER_PARAM(budget, true, ULONG_MAX);
ZSDEFER_PARAM(class_budget, false, UINT_MAX);
ZSDEFER_PARAM(drain_threshold, false, UINT_MAX);
ZSDEFER_PARAM(drain_delay_ms, false, UINT_MAX);

static int flush_store(struct zsdefer_ctl *ctl, const char *buf)
{
	unsigned long value;
	int err;

	err = zsdefer_parse(buf, false, 1, &value);
	if (err)
		return err;
	if (!value)
		return -EINVAL;

	guard(mutex)(&ctl->lock);
	if (ctl->zd)
		zsdefer_flush(ctl->zd, "user");
	return 0;
}

static struct zsdefer_attr flush_attr = __ATTR(flush, 0200, NULL, flush_store);

static ssize_t stats_show(struct zsdefer_ctl *ctl, char *buf)
{
	struct zsdefer_stats s = { };

	scoped_guard(mutex, &ctl->lock) {
		if (ctl->zd)
			zsdefer_read_stats(ctl->zd, &s);
	}

	return sysfs_emit(buf,
			  "waiting_objects %lu\n"
			  "waiting_bytes %lu\n"
			  "queued %lu\n"
			  "drained %lu\n"
			  "zspages_freed_whole %lu\n"
			  "fallback_full %lu\n"
			  "fallback_budget %lu\n"
			  "fallback_nomem %lu\n"
			  "fallback_disabled %lu\n"
			  "drains %lu\n"
			  "pages_freed %lu\n"
			  "longest_wait_ms %u\n"
			  "queue_memory_bytes %lu\n",
			  s.waiting_objects, s.waiting_bytes, s.queued,
			  s.drained, s.zspages_freed_whole,
			  s.fallbacks[ZSDEFER_FULL],
			  s.fallbacks[ZSDEFER_BUDGET],
			  s.fallbacks[ZSDEFER_NOMEM],
			  s.fallbacks[ZSDEFER_DISABLED],
			  s.drains, s.pages_freed,
			  jiffies_to_msecs(s.longest_wait),
			  s.memory);
}

static struct zsdefer_attr stats_attr = __ATTR_RO(stats);

static struct attribute *zsdefer_attrs[] = {
	&enabled_attr.attr,
	&budget_attr.attr,
	&class_budget_attr.attr,
	&drain_threshold_attr.attr,
	&drain_delay_ms_attr.attr,
	&flush_attr.attr,
	&stats_attr.attr,
	NULL,
};
ATTRIBUTE_GROUPS(zsdefer);

static ssize_t zsdefer_attr_show(struct kobject *kobj, struct attribute *attr,
				 char *buf)
{
	struct zsdefer_attr *a = container_of(attr, struct zsdefer_attr, attr);

	return a->show ? a->show(kobj_to_ctl(kobj), buf) : -EIO;
}

static ssize_t zsdefer_attr_store(struct kobject *kobj, struct attribute *attr,
				  const char *buf, size_t len)
{
	struct zsdefer_attr *a = container_of(attr, struct zsdefer_attr, attr);
	int err = -EIO;

	/* A value with a NUL inside is not what it seems. */
	if (strnlen(buf, len) != len)
		return -EINVAL;
	if (a->store)
		err = a->store(kobj_to_ctl(kobj), buf);
	return err ?: len;
}

static const struct sysfs_ops zsdefer_sysfs_ops = {
	.show = zsdefer_attr_show,
	.store = zsdefer_attr_store,
};

static void zsdefer_ctl_release(struct kobject *kobj)
{
	kfree(kobj_to_ctl(kobj));
}

static const struct kobj_type zsdefer_ctl_ktype = {
	.release = zsdefer_ctl_release,
	.sysfs_ops = &zsdefer_sysfs_ops,
	.default_groups = zsdefer_groups,
};

/**
 * zsdefer_ctl_create() - make the control object of a device
 *
 * It holds the default values; zsdefer_ctl_add() shows them. A device needs
 * it before anybody can set the device up.
 *
 * Context: Process context, may sleep and allocate.
 *
 * Return: the control object, which zsdefer_ctl_destroy() frees, or NULL: a
 * pool that is attached to NULL frees synchronously.
 */
struct zsdefer_ctl *zsdefer_ctl_create(void)
{
	struct zsdefer_ctl *ctl = kzalloc_obj(*ctl);

	if (!ctl)
		return NULL;

	mutex_init(&ctl->lock);
	zsdefer_default_params(&ctl->params);
	kobject_init(&ctl->kobj, &zsdefer_ctl_ktype);
	return ctl;
}
EXPORT_SYMBOL_GPL(zsdefer_ctl_create);

/**
 * zsdefer_ctl_add() - show the knobs of a device
 * @ctl: the control object, or NULL
 * @parent: the device's directory in sysfs
 *
 * A uevent tells of them, as that of the device itself may have come before.
 * Without memory for the directory the values stay as they are, so that frees
 * are bounded as ever, and nobody sees how.
 *
 * Context: Process context, may sleep and allocate.
 */
void zsdefer_ctl_add(struct zsdefer_ctl *ctl, struct kobject *parent)
{
	char *env[2] = { "DEFERRED_FREE=1", NULL };

	if (!ctl)
		return;

	if (kobject_add(&ctl->kobj, parent, "deferred_free"))
		pr_warn("zsdefer: %s: no memory for deferred_free/\n",
			kobject_name(parent));
	else
		kobject_uevent_env(parent, KOBJ_CHANGE, env);
}
EXPORT_SYMBOL_GPL(zsdefer_ctl_add);

/**
 * zsdefer_ctl_destroy() - remove the knobs of a device
 * @ctl: the control object, or NULL; no pool is attached to it any more
 *
 * Waits for those who are just reading or writing a knob. It does no harm
 * if the parent's directory is gone already, or if the knobs never were
 * shown.
 *
 * Context: Process context, may sleep.
 */
void zsdefer_ctl_destroy(struct zsdefer_ctl *ctl)
{
	if (!ctl)
		return;

	if (ctl->kobj.state_in_sysfs)
		kobject_del(&ctl->kobj);
	kobject_put(&ctl->kobj);
}
EXPORT_SYMBOL_GPL(zsdefer_ctl_destroy);

/**
 * zsdefer_bind() - put an engine under the control of a device's knobs
 * @zd: the engine, with all its queues
 * @ctl: the knobs, which no other engine is bound to
 *
 * Context: Process context, may sleep and allocate.
 */
void zsdefer_bind(struct zsdefer *zd, struct zsdefer_ctl *ctl)
{
	guard(mutex)(&ctl->lock);
	zd->ctl = ctl;
	ctl->zd = zd;
	zsdefer_set_params(zd, &ctl->params);
}
EXPORT_SYMBOL_GPL(zsdefer_bind);

/**
 * zsdefer_unbind() - take an engine from its knobs, as its pool goes away
 * @zd: the engine
 *
 * Context: Process context, may sleep.
 */
void zsdefer_unbind(struct zsdefer *zd)
{
	struct zsdefer_ctl *ctl = zd->ctl;

	if (!ctl)
		return;

	guard(mutex)(&ctl->lock);
	zd->ctl = NULL;
	ctl->zd = NULL;
}
