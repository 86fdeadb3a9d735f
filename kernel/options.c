/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/options.h"

#include <hypike/host.h>

#include "kernel/assert.h"
#include "lib/string.h"

#define LATE_US 1000u

struct options options = {.cpus = HOST_MAX_CPUS, .late = LATE_US};

static bool number(const char *text, size_t size, uint64_t *value)
{
	uint64_t n = 0;

	for (size_t i = 0; i < size; i++) {
		if (text[i] < '0' || text[i] > '9' || __builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, (uint64_t)(text[i] - '0'), &n))
			return false;
	}
	*value = n;
	return size != 0;
}

static bool set_console(const char *value, size_t size)
{
	const bool e9 = size == 2 && memcmp(value, "e9", 2) == 0;
	const bool mux = size == 3 && memcmp(value, "mux", 3) == 0;

	options.e9 |= e9;
	options.mux |= mux;
	return e9 || mux;
}

static bool set_cpus(const char *value, size_t size)
{
	uint64_t n;

	if (!number(value, size, &n) || n == 0 || n > HOST_MAX_CPUS)
		return false;
	options.cpus = (uint32_t)n;
	return true;
}

static bool set_tsc_khz(const char *value, size_t size)
{
	return number(value, size, &options.tsc_khz);
}

static bool set_late(const char *value, size_t size)
{
	return number(value, size, &options.late) && options.late <= UINT32_MAX;
}

static bool set_latency(const char *value, size_t size)
{
	(void)value;
	options.latency = size == 0;
	return size == 0;
}

static bool set_apicv(const char *value, size_t size)
{
	static const char *const names[] = {
		[DRIVER_APICV_AUTO] = "auto", [DRIVER_APICV_ON] = "on", [DRIVER_APICV_OFF] = "off"};

	for (uint32_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strlen(names[i]) == size && memcmp(value, names[i], size) == 0) {
			options.driver.apicv = (enum driver_apicv)i;
			return true;
		}
	}
	return false;
}

static bool set_panic(const char *value, size_t size)
{
	if (!KERNEL_PARANOID || size >= sizeof(options.panic))
		return false;
	memcpy(options.panic, value, size);
	return true;
}

static bool set_trace(const char *value, size_t size)
{
	(void)value;
	options.trace = size == 0;
	return options.trace;
}

static const struct {
	const char *name;
	bool (*set)(const char *value, size_t size);
} table[] = {
	{"console=", set_console},
	{"cpus=", set_cpus},
	{"tsc_khz=", set_tsc_khz},
	{"late=", set_late},
	{"latency", set_latency},
	{"apicv=", set_apicv},
	{"panic=", set_panic},
	{"trace", set_trace},
};
#define OPTIONS (sizeof(table) / sizeof(table[0]))

static bool set(const char *word, size_t size)
{
	for (size_t i = 0; i < OPTIONS; i++) {
		size_t length = strlen(table[i].name);

		if (size >= length && memcmp(word, table[i].name, length) == 0)
			return table[i].set(word + length, size - length);
	}
	return false;
}

/* Some loaders put the kernel's file name in front. */
static bool is_file_name(const char *cmdline, const char *word, size_t size)
{
	return word == cmdline && memchr(word, '=', size) == NULL;
}

void options_read(const char *cmdline)
{
	for (const char *word = cmdline; *word != '\0';) {
		size_t size = 0;

		while (word[size] != '\0' && word[size] != ' ')
			size++;
		if (size != 0 && !set(word, size) && !is_file_name(cmdline, word, size))
			host_log("option not known: %.*s", (int)size, word);
		word += size;
		while (*word == ' ')
			word++;
	}
}
