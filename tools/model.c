/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/multiboot_load.h"

#define PRIORITY_DEFAULT 16

struct model_partition *model_partition_add(struct model *model)
{
	struct model_partition *partition;

	model->partitions = memory_grow(model->partitions, model->partition_count + 1,
					sizeof(*model->partitions));
	partition = &model->partitions[model->partition_count++];
	memset(partition, 0, sizeof(*partition));
	partition->priority = PRIORITY_DEFAULT;
	return partition;
}

/* ---- files ---- */

static bool name_taken(const struct model_partition *partition, const char *name)
{
	for (size_t i = 0; i < partition->file_count; i++)
		if (strcmp(partition->files[i].name, name) == 0)
			return true;
	return false;
}

/* Two modules may come from files of one name in different folders: the second gets `.2`. */
static char *unique_name(const struct model_partition *partition, const char *path)
{
	char *name = string_copy(path_base(path));

	for (unsigned copy = 2; name_taken(partition, name); copy++) {
		free(name);
		name = string_format("%s.%u", path_base(path), copy);
	}
	return name;
}

static bool partition_file_add(struct model_partition *partition, const char *path)
{
	struct model_file file = {.path = string_copy(path)};

	if (!file_read(path, &file.bytes))
		return false;
	file.name = unique_name(partition, path);
	partition->files = memory_grow(partition->files, partition->file_count + 1,
				       sizeof(*partition->files));
	partition->files[partition->file_count++] = file;
	return true;
}

static bool partition_files_load(struct model_partition *partition)
{
	bool ok = partition_file_add(partition, partition->kernel);

	for (size_t i = 0; i < partition->module_count; i++)
		ok = partition_file_add(partition, partition->modules[i].path) && ok;
	return ok;
}

/* ---- the VMM's command line ---- */

/* A word in double quotes, with \" and \\ inside: what the VMM's argument parser undoes. */
static void put_quoted(FILE *out, const char *word)
{
	fputc('"', out);
	for (; *word != '\0'; word++) {
		if (*word == '"' || *word == '\\')
			fputc('\\', out);
		fputc(*word, out);
	}
	fputc('"', out);
}

static void put_option(FILE *out, const char *option, const char *word)
{
	fprintf(out, " %s ", option);
	put_quoted(out, word);
}

static void put_modules(FILE *out, const struct model_partition *partition)
{
	for (size_t i = 0; i < partition->module_count; i++) {
		const char *args = partition->modules[i].args;
		/* files[0] is the kernel */
		char *module = string_format("%s%s%s", partition->files[i + 1].name,
					     *args ? " " : "", args);

		put_option(out, "--module", module);
		free(module);
	}
}

static void partition_args_make(const struct model *model, struct model_partition *partition)
{
	size_t size;
	FILE *out = open_memstream(&partition->args, &size);

	fprintf(out, "--memory %lluK", (unsigned long long)(partition->memory >> 10));
	if (partition->vcpus > 1)
		fprintf(out, " --vcpus %u", partition->vcpus);
	put_option(out, "--kernel", partition->files[0].name);
	if (partition->cmdline != NULL)
		put_option(out, "--cmdline", partition->cmdline);
	put_modules(out, partition);
	for (size_t i = 0; i < model->vmm_options.count; i++)
		fprintf(out, " %s", model->vmm_options.item[i]);
	fclose(out);
}

/* ---- checks ---- */

static bool partition_check(const struct model_partition *partition)
{
	if (partition->kernel == NULL)
		return report("%s: no kernel was given (--kernel FILE)", partition->name);
	if (partition->memory % SYSTEM_PAGE != 0)
		return report("%s: %llu bytes of memory are not whole pages", partition->name,
			      (unsigned long long)partition->memory);
	if (partition->memory < MODEL_MEMORY_MIN || partition->memory > MODEL_MEMORY_MAX)
		return report("%s: memory must be between 1M and 64G", partition->name);
	return true;
}

static uint64_t pages_up(uint64_t size)
{
	return (size + SYSTEM_PAGE - 1) / SYSTEM_PAGE * SYSTEM_PAGE;
}

/* Modules lie behind the kernel, each on its own pages; so much the tool can know. */
static bool modules_fit(const struct model_partition *partition, uint64_t kernel_end)
{
	const uint64_t memory = partition->memory;
	uint64_t at = pages_up(kernel_end);

	for (size_t i = 1; i < partition->file_count; i++) {
		const struct model_file *module = &partition->files[i];
		const uint64_t room = at < memory ? memory - at : 0;

		if (module->bytes.size > room)
			return report("%s: module too large: %zu bytes, but of the %lluK of memory "
				      "only %lluK are left for it",
				      module->path, module->bytes.size,
				      (unsigned long long)(memory >> 10),
				      (unsigned long long)(room >> 10));
		at += pages_up(module->bytes.size);
	}
	return true;
}

/* The VMM will make the same check; here it comes before anything is booted. */
static bool partition_fits(const struct model_partition *partition)
{
	const struct model_file *kernel = &partition->files[0];
	struct multiboot_plan plan;
	const char *reason = multiboot_plan(kernel->bytes.data, kernel->bytes.size,
					    partition->memory, &plan);

	if (reason != NULL)
		return report("%s: %s", kernel->path, reason);
	return modules_fit(partition, plan.end);
}

static void partition_defaults(struct model_partition *partition, size_t index)
{
	if (partition->name[0] == '\0')
		snprintf(partition->name, sizeof(partition->name), "vm%zu", index + 1);
	if (partition->memory == 0)
		partition->memory = MODEL_MEMORY_DEFAULT;
	if (partition->vcpus == 0)
		partition->vcpus = 1;
}

/* With one partition its lines need no name; with several, the first gets the keys. */
static void console_defaults(struct model *model)
{
	uint32_t input = 0;

	for (size_t i = 0; i < model->partition_count; i++) {
		input |= model->partitions[i].flags & SYSTEM_PARTITION_INPUT;
		if (model->partition_count > 1)
			model->partitions[i].flags |= SYSTEM_PARTITION_PREFIX;
	}
	if (input == 0)
		model->partitions[0].flags |= SYSTEM_PARTITION_INPUT;
}

static bool vmm_load(struct model *model)
{
	model->vmm.name = string_copy("vmm");
	model->vmm.path = model->vmm_path ? model->vmm_path : path_of_part("vmm/vmm.elf");
	return file_read(model->vmm.path, &model->vmm.bytes);
}

bool model_load(struct model *model)
{
	bool ok = vmm_load(model);

	console_defaults(model);
	for (size_t i = 0; i < model->partition_count; i++) {
		struct model_partition *partition = &model->partitions[i];

		partition_defaults(partition, i);
		if (partition_check(partition) && partition_files_load(partition) &&
		    partition_fits(partition))
			partition_args_make(model, partition);
		else
			ok = false;
	}
	return ok;
}
