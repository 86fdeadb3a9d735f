/* SPDX-License-Identifier: BSD-2-Clause */
#include "guests/dummy/cmdline.h"

#include "guests/dummy/rt.h"

#include "lib/string.h"

static size_t word_length(const char *p)
{
	size_t n = 0;

	while (p[n] != '\0' && p[n] != ' ')
		n++;
	return n;
}

/* Calls match() on each word until it returns true. @return that word or NULL. */
static const char *find_word(const char *p, const char *name,
			     bool (*match)(const char *, size_t, const char *))
{
	while (*p != '\0') {
		size_t n = word_length(p);

		if (n > 0 && match(p, n, name))
			return p;
		p += n;
		p += *p == ' ';
	}
	return NULL;
}

static bool is_word(const char *word, size_t n, const char *name)
{
	return n == strlen(name) && strncmp(word, name, n) == 0;
}

static bool is_option(const char *word, size_t n, const char *name)
{
	size_t len = strlen(name);

	return n > len && word[len] == '=' && strncmp(word, name, len) == 0;
}

bool cmdline_has(const char *line, const char *word)
{
	return find_word(line, word, is_word) != NULL;
}

const char *cmdline_get(const char *line, const char *name, char *buf, size_t size)
{
	const char *word = find_word(line, name, is_option);

	if (word == NULL)
		return NULL;

	const char *value = word + strlen(name) + 1;
	size_t n = word_length(value);

	if (n >= size)
		return NULL;
	memcpy(buf, value, n);
	buf[n] = '\0';
	return buf;
}

static bool is_decimal(const char *p)
{
	size_t n = 0;

	while (p[n] >= '0' && p[n] <= '9')
		n++;
	return n > 0 && n < 20 && p[n] == '\0';
}

uint64_t cmdline_get_number(const char *line, const char *name, uint64_t otherwise)
{
	char text[24];
	uint64_t v = 0;

	if (cmdline_get(line, name, text, sizeof(text)) == NULL || !is_decimal(text))
		return otherwise;
	for (const char *p = text; *p != '\0'; p++)
		v = v * 10 + (uint64_t)(*p - '0');
	return v;
}

bool cmdline_flag(const char *word)
{
	return cmdline_has(boot_info()->cmdline, word);
}

const char *cmdline_value(const char *name, char *buf, size_t size)
{
	return cmdline_get(boot_info()->cmdline, name, buf, size);
}

uint64_t cmdline_number(const char *name, uint64_t otherwise)
{
	return cmdline_get_number(boot_info()->cmdline, name, otherwise);
}
