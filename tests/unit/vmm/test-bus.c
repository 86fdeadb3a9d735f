/* SPDX-License-Identifier: BSD-2-Clause */
/* Bus, timers and the saving of devices. @verifies VMM-001 */
#include "tests/unit/vmm/bench.h"

#include <string.h>

/** A device that remembers its last access. */
struct probe_device {
	struct device dev;
	struct device_class class;
	struct device_range range[2];
	uint64_t where, value;
	unsigned int size, reads, writes;
	uint64_t moment;
	uint8_t array[3];
};

static uint64_t probe_read(struct device *dev, uint64_t where, unsigned int size)
{
	struct probe_device *p = (struct probe_device *)dev;

	p->where = where;
	p->size = size;
	p->reads++;
	return p->value + where;
}

static void probe_write(struct device *dev, uint64_t where, unsigned int size, uint64_t value)
{
	struct probe_device *p = (struct probe_device *)dev;

	p->where = where;
	p->size = size;
	p->value = value;
	p->writes++;
}

static void probe_reset(struct device *dev)
{
	((struct probe_device *)dev)->array[0] = 0;
}

static bool probe_loaded(struct device *dev)
{
	return ((struct probe_device *)dev)->array[0] != 0xee;
}

static const struct device_field probe_fields[] = {
	DEVICE_TIME(struct probe_device, moment),
	DEVICE_FIELD(struct probe_device, value),
	DEVICE_ARRAY(struct probe_device, array),
};

static void probe_make(struct probe_device *p, uint8_t space, uint64_t first, uint64_t size,
		       uint8_t width, uint32_t base)
{
	*p = (struct probe_device){
		.class = {.name = "probe",
			  .read = probe_read,
			  .write = probe_write,
			  .reset = probe_reset,
			  .loaded = probe_loaded,
			  .fields = probe_fields,
			  .field_count = 3,
			  .range_count = 1},
		.range = {{.space = space, .first = first, .size = size, .width = width,
			   .base = base}},
	};
	p->class.ranges = p->range;
	p->dev.class = &p->class;
}

static struct bus bus;

static int setup(void **state)
{
	(void)state;
	mock_reset();
	bus_init(&bus);
	return 0;
}

static void ports_reach_their_device(void **state)
{
	struct probe_device a, b;

	(void)state;
	probe_make(&a, DEVICE_PORTS, 0x100, 4, 4, 0x10);
	probe_make(&b, DEVICE_PORTS, 0x104, 2, 1, 0);
	assert_int_equal(bus_attach(&bus, &a.dev), HV_OK);
	assert_int_equal(bus_attach(&bus, &b.dev), HV_OK);
	bus_port_write(&bus, 0x102, 2, 0x1234);
	assert_int_equal(a.where, 0x12);
	assert_int_equal(a.size, 2);
	assert_int_equal(a.value, 0x1234);
	assert_int_equal(b.writes, 0);
	b.value = 0x41;
	assert_int_equal(bus_port_read(&bus, 0x105, 1), 0x42);
	assert_int_equal(a.dev.writes, 1);
	assert_int_equal(a.dev.reads, 0);
	assert_int_equal(b.dev.writes, 0);
	assert_int_equal(b.dev.reads, 1);
}

static void wide_accesses_are_split(void **state)
{
	struct probe_device b;

	(void)state;
	probe_make(&b, DEVICE_PORTS, 0x200, 2, 1, 0);
	assert_int_equal(bus_attach(&bus, &b.dev), HV_OK);
	b.value = 0x50;
	/* Two bytes of the device, two of nobody's. */
	assert_int_equal(bus_port_read(&bus, 0x200, 4), 0xffff5150);
	assert_int_equal(b.reads, 2);
	assert_int_equal(b.size, 1);
	bus_port_write(&bus, 0x1ff, 4, 0x44332211);
	assert_int_equal(b.writes, 2);
	assert_int_equal(b.value, 0x33);
	assert_int_equal(b.where, 1);
}

static void ports_wrap(void **state)
{
	struct probe_device b;

	(void)state;
	probe_make(&b, DEVICE_PORTS, 0, 1, 1, 0);
	assert_int_equal(bus_attach(&bus, &b.dev), HV_OK);
	b.value = 0x77;
	assert_int_equal(bus_port_read(&bus, 0xffff, 2), 0x77ff);
	bus_port_write(&bus, 0xfffe, 4, 0xaabbccdd);
	assert_int_equal(b.value, 0xbb);
}

static void collect(void *ctx, char c)
{
	char *text = ctx;
	size_t n = strlen(text);

	text[n] = c;
	text[n + 1] = '\0';
}

static void absent_ports_are_counted(void **state)
{
	char text[4096] = "";

	(void)state;
	assert_int_equal(bus_port_read(&bus, 0x300, 1), 0xff);
	assert_int_equal(bus_port_read(&bus, 0x300, 2), 0xffff);
	assert_int_equal(bus_port_read(&bus, 0x300, 4), 0xffffffff);
	bus_port_write(&bus, 0x301, 1, 1);
	bus_list_absent(&bus, collect, text);
	assert_non_null(strstr(text, "absent: port 300: 3 reads, 0 writes\n"));
	assert_non_null(strstr(text, "absent: port 301: 2 reads, 1 writes\n"));
	assert_non_null(strstr(text, "absent: port 303: 1 reads, 0 writes\n"));
}

static void absent_ports_beyond_the_table_too(void **state)
{
	static char text[32768];

	(void)state;
	text[0] = '\0';
	for (unsigned int port = 0; port < 0x10000; port++)
		assert_int_equal(bus_port_read(&bus, (uint16_t)port, 1), 0xff);
	bus_list_absent(&bus, collect, text);
	assert_non_null(strstr(text, "absent: other ports: 65408 accesses\n"));
}

static void absent_memory_is_counted(void **state)
{
	static char text[8192];
	uint32_t hit = 0;

	(void)state;
	text[0] = '\0';
	bus_memory_read(&bus, &hit, 0xd0000004, 4);
	bus_memory_write(&bus, &hit, 0xd0000ff8, 1, 0);
	for (uint64_t page = 0; page < BUS_ABSENT_PAGES + 3; page++)
		bus_memory_read(&bus, &hit, UINT64_C(0x100000000) + page * 4096, 1);
	bus_list_absent(&bus, collect, text);
	assert_non_null(strstr(text, "absent: memory d0000000: 4 reads, 1 writes\n"));
	assert_non_null(strstr(text, "absent: memory 10001e000: 1 reads, 0 writes\n"));
	assert_null(strstr(text, "absent: memory 10001f000"));
	assert_non_null(strstr(text, "absent: other memory: 4 accesses\n"));
}

static void nothing_overlaps(void **state)
{
	struct probe_device a, b, c;

	(void)state;
	probe_make(&a, DEVICE_PORTS, 0x100, 4, 4, 0);
	probe_make(&b, DEVICE_PORTS, 0x103, 1, 1, 0);
	probe_make(&c, DEVICE_PORTS, 0xffff, 2, 1, 0);
	assert_int_equal(bus_attach(&bus, &a.dev), HV_OK);
	assert_int_equal(bus_attach(&bus, &b.dev), HV_E_EXISTS);
	assert_int_equal(bus_attach(&bus, &c.dev), HV_E_INVALID);
	probe_make(&a, DEVICE_MEMORY, 0x1000, 0x1000, 8, 0);
	probe_make(&b, DEVICE_MEMORY, 0x1fff, 1, 8, 0);
	probe_make(&c, DEVICE_MEMORY, UINT64_MAX, 2, 8, 0);
	assert_int_equal(bus_attach(&bus, &a.dev), HV_OK);
	assert_int_equal(bus_attach(&bus, &b.dev), HV_E_EXISTS);
	assert_int_equal(bus_attach(&bus, &c.dev), HV_E_INVALID);
	probe_make(&c, DEVICE_MEMORY, 0, 8, 3, 0);
	assert_int_equal(bus_attach(&bus, &c.dev), HV_E_INVALID);
}

static void memory_is_found(void **state)
{
	static struct probe_device d[20];
	uint32_t hit = 0;

	(void)state;
	/* Attached out of order. */
	for (unsigned int i = 0; i < 20; i++) {
		unsigned int n = i * 7 % 20;
		probe_make(&d[n], DEVICE_MEMORY, 0x10000 + n * 0x1000, 0x800, 4, 0);
		assert_int_equal(bus_attach(&bus, &d[n].dev), HV_OK);
	}
	for (unsigned int n = 0; n < 20; n++) {
		d[n].value = n << 16;
		assert_int_equal(bus_memory_read(&bus, &hit, 0x10010 + n * 0x1000, 4),
				 (n << 16) + 0x10);
		assert_int_equal(bus_memory_read(&bus, &hit, 0x10800 + n * 0x1000, 4), 0xffffffff);
		bus_memory_write(&bus, &hit, 0x107fc + n * 0x1000, 4, n);
		assert_int_equal(d[n].value, n);
	}
	assert_int_equal(bus.absent_memory, 20 * 4);
}

static void memory_accesses_are_split(void **state)
{
	struct probe_device d;
	uint32_t hit = 0;

	(void)state;
	probe_make(&d, DEVICE_MEMORY, 0x1000, 0x10, 4, 0);
	assert_int_equal(bus_attach(&bus, &d.dev), HV_OK);
	/* Eight bytes of a device that takes four. */
	assert_true(bus_memory_read(&bus, &hit, 0x1000, 8) == UINT64_C(0x0000000400000000));
	assert_int_equal(d.reads, 2);
	/* Across the end: 1, 2 and then nobody. */
	bus_memory_write(&bus, &hit, 0x100d, 4, 0x44332211);
	assert_int_equal(d.writes, 2);
	assert_int_equal(d.value, 0x3322);
	assert_true(bus_memory_read(&bus, &hit, UINT64_MAX, 8) == UINT64_MAX);
}

/* ---------------------------------------------------------------------------------------- timers */

static struct timer timers[TIMER_MAX + 1];
static struct timer_queue queue;
static unsigned int order[TIMER_MAX + 1], fired, woken;

static void fire(struct timer *timer)
{
	order[fired++] = (unsigned int)(timer - timers);
}

static void wake(void *ctx)
{
	(void)ctx;
	woken++;
}

static void timers_fire_in_order(void **state)
{
	(void)state;
	fired = woken = 0;
	queue = (struct timer_queue){.sooner = wake};
	for (unsigned int i = 0; i < TIMER_MAX; i++) {
		timer_init(&timers[i], &queue, fire);
		timer_arm(&timers[i], 1000 + i * 37 % TIMER_MAX);
	}
	timer_init(&timers[TIMER_MAX], &queue, fire);
	timer_arm(&timers[TIMER_MAX], 1); /* no room: lost, not corrupting */
	assert_false(timer_armed(&timers[TIMER_MAX]));
	for (unsigned int i = 0; i < TIMER_MAX; i += 3)
		timer_cancel(&timers[i]);
	timer_arm(&timers[1], 999);
	assert_int_equal(timer_next(&queue), 999);
	timer_run(&queue, 998);
	assert_int_equal(fired, 0);
	timer_run(&queue, 5000);
	assert_int_equal(fired, TIMER_MAX - (TIMER_MAX + 2) / 3);
	assert_int_equal(order[0], 1);
	for (unsigned int i = 2; i < fired; i++)
		assert_true(timers[order[i - 1]].deadline <= timers[order[i]].deadline);
	assert_true(timer_next(&queue) == UINT64_MAX);
}

static void the_sleeper_is_woken_for_a_nearer_deadline(void **state)
{
	(void)state;
	woken = 0;
	queue = (struct timer_queue){.sooner = wake};
	timer_init(&timers[0], &queue, fire);
	timer_init(&timers[1], &queue, fire);
	timer_arm(&timers[0], 100);
	assert_int_equal(woken, 1);
	timer_arm(&timers[1], 200);
	assert_int_equal(woken, 1);
	timer_arm(&timers[1], 50);
	assert_int_equal(woken, 2);
}

static void fire_again(struct timer *timer)
{
	fired++;
	timer_arm(timer, 0);
}

static void a_timer_cannot_hang_the_loop(void **state)
{
	(void)state;
	fired = 0;
	queue = (struct timer_queue){.count = 0};
	timer_init(&timers[0], &queue, fire_again);
	timer_arm(&timers[0], 0);
	timer_run(&queue, 10);
	assert_true(fired > 0 && fired < 1000);
}

/* ----------------------------------------------------------------------------------------- state */

static void state_is_saved_and_loaded(void **state)
{
	struct probe_device a, b;
	uint8_t buffer[32];

	(void)state;
	probe_make(&a, DEVICE_PORTS, 0, 1, 1, 0);
	probe_make(&b, DEVICE_PORTS, 0, 1, 1, 0);
	a.moment = mock_now + 100;
	a.value = 77;
	memcpy(a.array, "xyz", 3);
	assert_int_equal(device_state_size(&a.dev), 8 + 8 + 3);
	device_save(&a.dev, buffer);
	mock_now += 1000000;
	assert_true(device_load(&b.dev, buffer, 19));
	assert_int_equal(b.value, 77);
	assert_memory_equal(b.array, "xyz", 3);
	assert_int_equal(b.moment, mock_now + 100);
	assert_false(device_load(&b.dev, buffer, 18));
	a.array[0] = 0xee; /* refused: reset */
	a.moment = UINT64_MAX;
	device_save(&a.dev, buffer);
	assert_false(device_load(&b.dev, buffer, 19));
	assert_int_equal(b.array[0], 0);
	assert_true(b.moment == UINT64_MAX);
}

static void state_is_shown(void **state)
{
	struct probe_device a;
	char text[256] = "";

	(void)state;
	probe_make(&a, DEVICE_PORTS, 0, 1, 1, 0);
	a.value = 0x1234;
	memcpy(a.array, "\1\2\3", 3);
	device_inspect(&a.dev, collect, text);
	assert_string_equal(text, "probe.moment 0\nprobe.value 1234\nprobe.array 1 2 3\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(ports_reach_their_device, setup),
		cmocka_unit_test_setup(wide_accesses_are_split, setup),
		cmocka_unit_test_setup(ports_wrap, setup),
		cmocka_unit_test_setup(absent_ports_are_counted, setup),
		cmocka_unit_test_setup(absent_memory_is_counted, setup),
		cmocka_unit_test_setup(absent_ports_beyond_the_table_too, setup),
		cmocka_unit_test_setup(nothing_overlaps, setup),
		cmocka_unit_test_setup(memory_is_found, setup),
		cmocka_unit_test_setup(memory_accesses_are_split, setup),
		cmocka_unit_test_setup(timers_fire_in_order, setup),
		cmocka_unit_test_setup(the_sleeper_is_woken_for_a_nearer_deadline, setup),
		cmocka_unit_test_setup(a_timer_cannot_hang_the_loop, setup),
		cmocka_unit_test_setup(state_is_saved_and_loaded, setup),
		cmocka_unit_test_setup(state_is_shown, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
