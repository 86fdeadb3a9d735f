/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/tools/control_fake.h"

struct fake fake = {.state = HYPIKE_VMM_RUNNING, .width = 3, .height = 2, .attached = -1};

static uint64_t uptime_ms(void)
{
	return 1500;
}

static void info(struct hypike_vmm_info *to)
{
	*to = (struct hypike_vmm_info){.state = fake.state, .vcpus = 2, .memory = 64 << 20};
}

static const char *asked(const char *what)
{
	fake.asked = what;
	return fake.refuses;
}

static const char *power_button(void)
{
	return asked("power button");
}

static const char *end(void)
{
	return asked("end");
}

static const char *reset(void)
{
	return asked("reset");
}

static const char *pause_it(void)
{
	return asked("pause");
}

static const char *resume(void)
{
	return asked("resume");
}

static const char *stats(struct hypike_vmm_stats *to)
{
	*to = (struct hypike_vmm_stats){.kinds = 2,
					.exits = {{"port", 1, 2}, {"memory", 0, 0}},
					.devices = 1,
					.device = {{"disk 2", 2, {{"reads", 4}, {"bytes read", 512}}}},
					.entries = 3,
					.time_ns = UINT64_C(1) << 40};
	return asked("stats");
}

static bool screen_size(unsigned int *width, unsigned int *height)
{
	*width = fake.width;
	*height = fake.height;
	return fake.width != 0;
}

static bool screen_draw(uint32_t *pixels, unsigned int width, unsigned int height, unsigned int *first,
			unsigned int *last)
{
	for (unsigned int i = 0; i < width * height; i++)
		pixels[i] = i;
	*first = 0;
	*last = height;
	return width == fake.width;
}

static const char *console_attach(int fd)
{
	__atomic_store_n(&fake.attached, fd, __ATOMIC_RELEASE);
	return NULL;
}

static const struct operations operations = {
	.info = info,
	.power_button = power_button,
	.end = end,
	.reset = reset,
	.pause = pause_it,
	.resume = resume,
	.stats = stats,
	.console_attach = console_attach,
	.screen_size = screen_size,
	.screen_draw = screen_draw,
};

const struct control_machine fake_machine = {
	.name = "fake",
	.kernel = "kernel.elf",
	.pid = 42,
	.uptime_ms = uptime_ms,
	.operations = &operations,
};
