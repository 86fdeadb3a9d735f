/* SPDX-License-Identifier: BSD-2-Clause */
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
static const char *find_word(const char *name, bool (*match)(const char *, size_t, const char *))
{
	const char *p = boot_info()->cmdline;

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

bool cmdline_flag(const char *word)
{
	return find_word(word, is_word) != NULL;
}

const char *cmdline_value(const char *name, char *buf, size_t size)
{
	const char *word = find_word(name, is_option);

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

uint64_t cmdline_number(const char *name, uint64_t otherwise)
{
	char text[24];
	uint64_t v = 0;

	if (cmdline_value(name, text, sizeof(text)) == NULL)
		return otherwise;
	for (const char *p = text; *p != '\0'; p++) {
		if (*p < '0' || *p > '9')
			return otherwise;
		v = v * 10 + (uint64_t)(*p - '0');
	}
	return v;
}
