/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file device.h
 * The interface of every emulated device, and the means by which devices meet without knowing each
 * other: wires (levels that one drives and another takes), probes (levels that one asks for) and
 * byte streams. The machine connects them.
 *
 * All calls into a device are made with the device lock held, so a device has no lock of its own.
 * What comes from the guest (offset, size, value) is hostile; `size` is 1, 2, 4 or 8 and never more
 * than the range's width, and the whole access lies in the range: the bus sees to that.
 */
#ifndef VMM_DEV_DEVICE_H
#define VMM_DEV_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct device;

/* ---------------------------------------------------------------------------- what it answers to */

enum device_space { DEVICE_PORTS, DEVICE_MEMORY };

/** A piece of an address space in which a device answers. */
struct device_range {
	uint64_t first; /**< port number or guest-physical address */
	uint64_t size;
	uint32_t base;	/**< `where` of the first byte in read() and write(): tells ranges apart */
	uint8_t space;	/**< enum device_space */
	uint8_t width;	/**< widest access that reaches the device whole; wider ones are split up */
	uint8_t over;	/**< ports: may take them from a range of another, whose accesses from below
			     stay whole (CF9h lies in CF8h to CFBh) */
};

/* ----------------------------------------------------------------------------- state, as a table */

enum device_field_kind {
	DEVICE_FIELD_VALUE, /**< a number of `size` bytes */
	DEVICE_FIELD_TIME,  /**< a moment in platform_time(): saved as a distance from now */
};

/** One named part of a device's state; `count` of them in a row. */
struct device_field {
	const char *name;
	uint32_t offset; /**< in the device's structure */
	uint32_t count;
	uint8_t size; /**< of one: 1, 2, 4 or 8 */
	uint8_t kind; /**< enum device_field_kind */
};

#define DEVICE_FIELD(type, member)                                                                 \
	{#member, offsetof(type, member), 1, sizeof(((type *)0)->member), DEVICE_FIELD_VALUE}
#define DEVICE_ARRAY(type, member)                                                                 \
	{#member, offsetof(type, member),                                                          \
	 sizeof(((type *)0)->member) / sizeof(((type *)0)->member[0]),                             \
	 sizeof(((type *)0)->member[0]), DEVICE_FIELD_VALUE}
#define DEVICE_TIME(type, member)                                                                  \
	{#member, offsetof(type, member), 1, sizeof(uint64_t), DEVICE_FIELD_TIME}

/* -------------------------------------------------------------------------------------- operations */

/** Takes what a device has counted. */
struct counter_sink {
	void (*take)(void *ctx, const char *name, uint64_t value);
	void *ctx;
};

static inline void counter_tell(const struct counter_sink *to, const char *name, uint64_t value)
{
	to->take(to->ctx, name, value);
}

/** A kind of device. */
struct device_class {
	const char *name;
	uint64_t (*read)(struct device *dev, uint64_t where, unsigned int size);
	void (*write)(struct device *dev, uint64_t where, unsigned int size, uint64_t value);
	/** State after power-on or a reset of the machine; outputs are driven accordingly. */
	void (*reset)(struct device *dev);
	/**
	 * The state was replaced by a saved one: check it (it may be hostile), drive outputs, arm
	 * timers. @return false where it makes no sense; the caller then resets the device.
	 */
	bool (*loaded)(struct device *dev);
	/** Tell what was counted besides accesses; may be NULL. A reset of the machine clears nothing. */
	void (*counters)(const struct device *dev, const struct counter_sink *to);
	const struct device_range *ranges;
	const struct device_field *fields;
	uint32_t range_count;
	uint32_t field_count;
};

/** First member of every device's structure. */
struct device {
	const struct device_class *class;
	uint64_t reads, writes; /**< accesses of the guest's, counted by the bus */
};

/** Bytes that device_save() needs. */
size_t device_state_size(const struct device *dev);
/** Write the state to `buffer`, of device_state_size() bytes. */
void device_save(const struct device *dev, void *buffer);
/** Replace the state by a saved one. @return false, and the device is reset, where it is refused. */
bool device_load(struct device *dev, const void *buffer, size_t size);
/** Print the state as "device.field value…" lines. */
void device_inspect(const struct device *dev, void (*put)(void *ctx, char c), void *ctx);

/* --------------------------------------------------------------------------------- connections */

/** An output that drives an input `pin` of something else; `level` is what it drives now. */
struct wire {
	void (*set)(void *sink, unsigned int pin, bool level);
	void *sink;
	uint16_t pin;
	bool level;
	uint64_t raised; /**< how often the level rose */
};

static inline void wire_connect(struct wire *wire, void (*set)(void *, unsigned int, bool),
				void *sink, uint16_t pin)
{
	wire->set = set;
	wire->sink = sink;
	wire->pin = pin;
}

static inline void wire_set(struct wire *wire, bool level)
{
	if (wire->level == level)
		return;
	wire->level = level;
	wire->raised += level;
	if (wire->set)
		wire->set(wire->sink, wire->pin, level);
}

/** A rising edge, whatever was before; the level stays high. */
static inline void wire_edge(struct wire *wire)
{
	wire_set(wire, false);
	wire_set(wire, true);
}

/** A level that can be asked for: for inputs whose every change is not worth an event. */
struct probe {
	bool (*get)(void *source);
	void *source;
};

static inline bool probe_get(const struct probe *probe)
{
	return probe->get && probe->get(probe->source);
}

/** Where a device puts bytes: a console, a terminal. */
struct byte_sink {
	void (*put)(void *ctx, uint8_t byte);
	void *ctx;
};

static inline void byte_put(const struct byte_sink *sink, uint8_t byte)
{
	if (sink->put)
		sink->put(sink->ctx, byte);
}

/** Where a device says that the machine is to be reset or ended. */
struct command {
	void (*give)(void *ctx, uint32_t value);
	void *ctx;
};

static inline void command_give(const struct command *command, uint32_t value)
{
	if (command->give)
		command->give(command->ctx, value);
}

#endif
