/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `hypike run`: the VMM's command line, and the files that it has access to.
 */
#include <hypike/vmm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/run.h"
#include "vmm/status.h"

/* A word of the VMM's command line, with what would end it or begin another taken as it stands. */
static char *quoted(const char *text)
{
	char *word = memory_new(2 * strlen(text) + 3), *to = word;

	*to++ = '"';
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			*to++ = '\\';
		*to++ = *text;
	}
	*to = '"';
	return word;
}

char *run_line(const struct strings *words)
{
	char *text = string_copy("");

	for (size_t i = 0; i < words->count; i++)
		text = string_format("%s%s%s", text, i ? " " : "", words->item[i]);
	return text;
}

/* @return a name that no other file has. */
static char *unique(char *name)
{
	static struct strings names;
	const size_t count = names.count;

	for (size_t i = 0; i < count; i++) {
		if (strcmp(names.item[i], name) == 0) {
			name = string_format("%s-%zu", name, count);
			break;
		}
	}
	strings_add(&names, "%s", name);
	return name;
}

/* The name by which the VMM has a file: what guests see of it. */
static char *name_of(const char *path)
{
	char *name = string_copy(path_base(path));

	for (char *c = name; *c != '\0'; c++)
		if (*c == ' ' || *c == '\t' || *c == ',')
			*c = '_';
	return unique(name);
}

/* Give the VMM a file. @return its name, or NULL after report(). */
static char *add_file(const char *path)
{
	char *name = name_of(path);
	const char *why = hypike_vmm_file(name, path);

	if (why == NULL)
		return name;
	report("%s: %s", path, why);
	return NULL;
}

static bool add_named(const char *option, const char *path, struct strings *words)
{
	char *name = path != NULL ? add_file(path) : NULL;

	if (name != NULL)
		strings_add(words, "%s %s", option, quoted(name));
	return path == NULL || name != NULL;
}

static bool add_module(struct strings *words, const char *text)
{
	const size_t length = strcspn(text, " ");
	char *name = add_file(string_format("%.*s", (int)length, text));

	if (name == NULL)
		return false;
	strings_add(words, "--module %s", quoted(string_format("%s%s", name, text + length)));
	return true;
}

/* One of the words behind a disk's file. */
static bool disk_word(struct run_disk *disk, const char *word)
{
	if (strcmp(word, "ro") == 0)
		disk->flags &= ~HYPIKE_VMM_DISK_WRITE;
	else if (strcmp(word, "direct") == 0)
		disk->flags |= HYPIKE_VMM_DISK_DIRECT;
	else if (strcmp(word, "overlay") == 0)
		disk->in_memory = true;
	else if (strncmp(word, "overlay=", 8) == 0)
		disk->overlay = string_copy(word + 8);
	else
		return false;
	return true;
}

bool run_disk_parse(const char *text, struct run_disk *disk)
{
	char *save = NULL, *copy = string_copy(text);

	*disk = (struct run_disk){.path = strtok_r(copy, ",", &save), .flags = HYPIKE_VMM_DISK_WRITE};
	if (disk->path == NULL)
		return report("--disk: no file was named");
	for (char *word; (word = strtok_r(NULL, ",", &save)) != NULL;)
		if (!disk_word(disk, word))
			return report("--disk %s: %s: there are ro, overlay, overlay=FILE and direct", text,
				      word);
	return true;
}

static bool add_disk(struct strings *words, const char *text)
{
	struct run_disk disk;
	const char *why;

	if (!run_disk_parse(text, &disk))
		return false;
	char *name = name_of(disk.path);
	why = disk.in_memory ? hypike_vmm_file(name, disk.path)
			     : hypike_vmm_disk(name, disk.path, disk.flags, disk.overlay);
	if (why != NULL)
		return report("--disk %s: %s", text, why);
	strings_add(words, "--disk %s", quoted(string_format("%s%s", name, disk.in_memory ? ",overlay" : "")));
	return true;
}

static bool add_files(const struct run *run, struct strings *words)
{
	bool ok = add_named("--kernel", run->kernel, words) &&
		  add_named("--firmware", run->firmware, words);

	for (size_t i = 0; i < run->modules.count && ok; i++)
		ok = add_module(words, run->modules.item[i]);
	for (size_t i = 0; i < run->disks.count && ok; i++)
		ok = add_disk(words, run->disks.item[i]);
	for (size_t i = 0; i < run->nets.count && ok; i++)
		ok = run_net(run->nets.item[i], words);
	return ok;
}

uint64_t run_timeout_ms(const char *text)
{
	char *end;
	const double seconds = strtod(text, &end);

	if (*end == '\0' && end != text && seconds > 0 && seconds < 1e6)
		return seconds * 1000 < 1 ? 1 : (uint64_t)(seconds * 1000);
	report("--timeout %s: no number of seconds", text);
	return 0;
}

static bool add_timeout(const char *text, struct strings *words)
{
	const uint64_t ms = run_timeout_ms(text);

	if (ms != 0)
		strings_add(words, "--timeout-ms %llu", (unsigned long long)ms);
	return ms != 0;
}

static void add_text(struct strings *words, const char *option, const char *value)
{
	if (value != NULL)
		strings_add(words, "%s %s", option, quoted(value));
}

static void add_flag(struct strings *words, bool wanted, const char *option)
{
	if (wanted)
		strings_add(words, "%s", option);
}

int run_words(struct run *run, struct strings *words)
{
	add_text(words, "--memory", run->memory);
	add_text(words, "--vcpus", run->cpus);
	add_text(words, "--cmdline", run->cmdline);
	add_text(words, "--reboots", run->reboots);
	if (gdb_waits(&run->gdb, NULL))
		strings_add(words, "--gdb-wait");
	add_flag(words, run->rng, "--rng");
	add_flag(words, run->virtio_console, "--virtio-console");
	add_flag(words, run->screen, "--screen");
	add_flag(words, run->vnc != NULL, "--display");
	add_flag(words, !run->summary, "--no-summary");
	if (run->timeout != NULL && !add_timeout(run->timeout, words))
		return VMM_STATUS_OPTIONS;
	for (size_t i = 0; i < run->more.count; i++)
		strings_add(words, "%s", run->more.item[i]);
	return add_files(run, words) ? 0 : VMM_STATUS_LOAD;
}
