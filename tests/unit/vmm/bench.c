/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/vmm/bench.h"

#include <stdlib.h>
#include <string.h>

void bench_init(struct bench *bench, struct device *dev)
{
	memset(bench, 0, sizeof(*bench));
	bus_init(&bench->bus);
	assert_int_equal(bus_attach(&bench->bus, dev), HV_OK);
	dev->class->reset(dev);
}

void bench_wire(void *ctx, unsigned int pin, bool level)
{
	struct bench *bench = ctx;

	(void)pin;
	if (level && !bench->level)
		bench->edges++;
	bench->level = level;
}

void bench_pass(struct bench *bench, uint64_t ns)
{
	uint64_t end = mock_now + ns;

	while (timer_next(&bench->timers) <= end) {
		if (timer_next(&bench->timers) > mock_now)
			mock_now = timer_next(&bench->timers);
		timer_run(&bench->timers, mock_now);
	}
	mock_now = end;
}

static uint64_t random_state = 88172645463325252u;

uint32_t bench_random(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 16);
}

static void torment_access(struct bench *bench, const struct device_range *range)
{
	static const unsigned int sizes[] = {1, 2, 4};
	uint16_t port = (uint16_t)(range->first + bench_random() % (range->size + 3) - 1);
	unsigned int size = sizes[bench_random() % 3];

	if (bench_random() & 1)
		bus_port_write(&bench->bus, port, size, bench_random());
	else
		bus_port_read(&bench->bus, port, size);
}

static void torment_load(struct device *dev)
{
	size_t size = device_state_size(dev);
	uint8_t *state = malloc(size ? size : 1);

	device_save(dev, state);
	for (unsigned int n = 0; size > 0 && n < 1 + bench_random() % 8; n++)
		state[bench_random() % size] = (uint8_t)bench_random();
	device_load(dev, state, size);
	free(state);
}

void bench_torment(struct bench *bench, struct device *dev, unsigned int rounds)
{
	for (unsigned int i = 0; i < rounds; i++) {
		uint32_t n = bench_random() % dev->class->range_count;
		torment_access(bench, &dev->class->ranges[n]);
		if (bench_random() % 16 == 0)
			bench_pass(bench, bench_random() % 3000000);
		if (bench_random() % 64 == 0)
			torment_load(dev);
	}
}
