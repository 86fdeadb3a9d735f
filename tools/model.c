/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/model.h"

#include <hypike/link.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hypike/sys.h>

#include "kernel/elf.h"
#include "lib/kernel_check.h"
#include "tools/check.h"
#include "vmm/dev/vga_display.h"

struct model_partition *model_partition_add(struct model *model)
{
	struct model_partition *partition;

	model->partitions = memory_grow(model->partitions, model->partition_count + 1,
					sizeof(*model->partitions));
	partition = &model->partitions[model->partition_count++];
	memset(partition, 0, sizeof(*partition));
	partition->priority = MODEL_PRIORITY_DEFAULT;
	return partition;
}

/* ---- messages ---- */

/* A thing with a name is pointed to by its name, else by its start. */
static struct place place_of(const struct yaml_node *where, const char *key)
{
	const struct yaml_node *value = key != NULL ? yaml_find(where, key) : NULL;

	if (where == NULL)
		return (struct place){0};
	if (value != NULL)
		return value->kind == YAML_SCALAR ? value->place : value->key_place;
	if (where->kind != YAML_SCALAR && where->key != NULL)
		return where->key_place;
	return where->place;
}

bool model_error(const struct model *model, const struct yaml_node *where, const char *key,
		 const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	text = string_vformat(format, args);
	va_end(args);
	if (model->complaints != NULL)
		complain(model->complaints, COMPLAINT_ERROR, place_of(where, key), "%s", text);
	else
		report("%s", text);
	free(text);
	return false;
}

void model_warning(const struct model *model, const struct yaml_node *where, const char *key,
		   const char *format, ...)
{
	va_list args;
	char *text;

	if (model->complaints == NULL)
		return;
	va_start(args, format);
	text = string_vformat(format, args);
	va_end(args);
	complain(model->complaints, COMPLAINT_WARNING, place_of(where, key), "%s", text);
	free(text);
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

/* @return false after the reason, at the key of the file that names it. */
static bool read_file(const struct model *model, const struct yaml_node *where, const char *key,
		      const char *path, struct bytes *bytes)
{
	const char *reason = file_try_read(path, bytes);

	return reason == NULL || model_error(model, where, key, "%s: %s", path, reason);
}

static bool partition_file_add(const struct model *model, struct model_partition *partition,
			       const struct yaml_node *where, const char *key, const char *path)
{
	struct model_file file = {.path = string_copy(path)};

	if (!read_file(model, where, key, path, &file.bytes)) {
		free(file.path);
		return false;
	}
	file.name = unique_name(partition, path);
	partition->files = memory_grow(partition->files, partition->file_count + 1,
				       sizeof(*partition->files));
	partition->files[partition->file_count++] = file;
	return true;
}

static bool modules_load(const struct model *model, struct model_partition *partition)
{
	bool ok = true;

	for (size_t i = 0; i < partition->module_count; i++) {
		const struct model_module *module = &partition->modules[i];

		ok = module->path != NULL &&
		     partition_file_add(model, partition, module->where, "file", module->path) && ok;
	}
	return ok;
}

/* What the VMM takes for an overlay, in whole pages: the disk, and a bit for each sector of it. */
static uint64_t overlay_size(uint64_t image)
{
	const uint64_t sectors = image / 512 + (image % 512 != 0);
	const uint64_t size = sectors * 512 + (sectors + 7) / 8;

	return (size + SYSTEM_PAGE - 1) / SYSTEM_PAGE * SYSTEM_PAGE;
}

static bool disk_load(const struct model *model, struct model_partition *partition,
		      const struct model_disk *disk)
{
	if (disk->path == NULL)
		return false;
	if (strchr(path_base(disk->path), ',') != NULL)
		return model_error(model, disk->where, "file",
				   "a disk's file must have no comma in its name");
	if (disk->mode == MODEL_DISK_LINK && (partition->flags & SYSTEM_PARTITION_LINK) == 0)
		return report("--disk %s,link: nobody would write to it; `hypike run' does", disk->path);
	if (!partition_file_add(model, partition, disk->where, "file", disk->path))
		return false;
	if (disk->mode != MODEL_DISK_READ_ONLY)
		partition->vmm_memory +=
			overlay_size(partition->files[partition->file_count - 1].bytes.size);
	return true;
}

static bool disks_load(const struct model *model, struct model_partition *partition)
{
	bool ok = true;

	for (size_t i = 0; i < partition->disk_count; i++)
		ok = disk_load(model, partition, &partition->disks[i]) && ok;
	return ok;
}

static bool has_word(const struct strings *list, const char *word)
{
	for (size_t i = 0; i < list->count; i++) {
		if (strcmp(list->item[i], word) == 0)
			return true;
	}
	return false;
}

/* The picture's memory comes out of what the VMM has beside its guest's. */
static void display_memory_add(const struct model *model, struct model_partition *partition)
{
	if (has_word(&partition->vmm_options, "--display") || has_word(&model->vmm_options, "--display"))
		partition->vmm_memory += VGA_DISPLAY_MEMORY;
}

static bool files_fit(const struct model *model, const struct model_partition *partition)
{
	return partition->file_count <= HYPIKE_MAX_FILES ||
	       model_error(model, partition->where, NULL, "%s: %zu files, at most %u are possible",
			   partition->name, partition->file_count, HYPIKE_MAX_FILES);
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
		const char *args = partition->modules[i].args ? partition->modules[i].args : "";
		/* files[0] is kernel or firmware */
		char *module = string_format("%s%s%s", partition->files[i + 1].name,
					     *args ? " " : "", args);

		put_option(out, "--module", module);
		free(module);
	}
}

/* Disks come behind kernel and modules. */
static void put_devices(FILE *out, const struct model_partition *partition)
{
	const struct model_file *file = &partition->files[1 + partition->module_count];

	for (size_t i = 0; i < partition->disk_count; i++) {
		static const char *const modes[] = {
			[MODEL_DISK_READ_ONLY] = ",ro", [MODEL_DISK_OVERLAY] = ",overlay", [MODEL_DISK_LINK] = ""};
		const struct model_disk *disk = &partition->disks[i];
		char *option = string_format("%s%s%s", disk->link ? disk->link : "", file[i].name,
					     modes[disk->mode]);

		put_option(out, "--disk", option);
		free(option);
	}
	for (size_t i = 0; i < partition->network_count; i++) {
		const struct model_network *network = &partition->networks[i];
		char *card = string_format("%s%s%s", network->region, network->mac ? ",mac=" : "",
					   network->mac ? network->mac : "");

		put_option(out, "--net", card);
		free(card);
	}
	if (partition->serial_in != NULL && partition->serial_out != NULL)
		fprintf(out, " --serial2 %s,%s", partition->serial_in, partition->serial_out);
	if (partition->vm_flags & MODEL_VM_RNG)
		fputs(" --rng", out);
	if (partition->vm_flags & MODEL_VM_CONSOLE)
		fputs(" --virtio-console", out);
}

static void partition_args_make(const struct model *model, struct model_partition *partition)
{
	size_t size;
	FILE *out = open_memstream(&partition->args, &size);

	fprintf(out, "--memory %lluK", (unsigned long long)(partition->memory >> 10));
	if (partition->vcpus > 1)
		fprintf(out, " --vcpus %llu", (unsigned long long)partition->vcpus);
	put_option(out, partition->firmware ? "--firmware" : "--kernel", partition->files[0].name);
	if (partition->cmdline != NULL)
		put_option(out, "--cmdline", partition->cmdline);
	put_modules(out, partition);
	put_devices(out, partition);
	for (size_t i = 0; i < partition->vmm_options.count; i++)
		fprintf(out, " %s", partition->vmm_options.item[i]);
	for (size_t i = 0; i < model->vmm_options.count; i++)
		fprintf(out, " %s", model->vmm_options.item[i]);
	fclose(out);
}

/* ---- checks ---- */

/* Of options; a configuration's keys have been looked at. */
static bool firmware_alone(const struct model_partition *partition)
{
	const char *other = partition->kernel != NULL	   ? "--kernel"
			    : partition->cmdline != NULL   ? "--cmdline"
			    : partition->module_count != 0 ? "--module"
							   : NULL;

	return partition->firmware == NULL || other == NULL ||
	       report("%s: there is no %s beside --firmware", partition->name, other);
}

static bool vm_check(const struct model *model, const struct model_partition *partition)
{
	if (partition->kernel == NULL && partition->firmware == NULL)
		return model_error(model, partition->where, NULL,
				   "%s: no kernel was given (--kernel FILE), and no firmware",
				   partition->name);
	if (!firmware_alone(partition))
		return false;
	if (partition->memory % SYSTEM_PAGE != 0)
		return model_error(model, partition->where, "memory",
				   "%s: %llu bytes of memory are not whole pages", partition->name,
				   (unsigned long long)partition->memory);
	if (partition->memory < MODEL_MEMORY_MIN || partition->memory > MODEL_MEMORY_MAX)
		return model_error(model, partition->where, "memory",
				   "%s: memory must be between 1M and 64G", partition->name);
	return true;
}

static uint64_t pages_up(uint64_t size)
{
	return (size + SYSTEM_PAGE - 1) / SYSTEM_PAGE * SYSTEM_PAGE;
}

/* Modules lie behind the kernel, each on its own pages; so much the tool can know. */
static bool modules_fit(const struct model *model, const struct model_partition *partition,
			uint64_t kernel_end)
{
	const uint64_t memory = partition->memory;
	uint64_t at = pages_up(kernel_end);

	for (size_t i = 1; i <= partition->module_count; i++) {
		const struct model_file *module = &partition->files[i];
		const uint64_t room = at < memory ? memory - at : 0;

		if (module->bytes.size > room)
			return model_error(model, partition->modules[i - 1].where, "file",
					   "%s: module too large: %zu bytes, but of the %lluK of "
					   "memory only %lluK are left for it",
					   module->path, module->bytes.size,
					   (unsigned long long)(memory >> 10),
					   (unsigned long long)(room >> 10));
		at += pages_up(module->bytes.size);
	}
	return true;
}

/* The VMM will make the same check; here it comes before anything is booted. */
static bool vm_fits(const struct model *model, const struct model_partition *partition)
{
	const struct model_file *kernel = &partition->files[0];
	uint64_t end;
	const char *reason = kernel_check(kernel->bytes.data, kernel->bytes.size,
					  partition->memory, &end);

	if (reason != NULL)
		return model_error(model, partition->where, "kernel", "%s: %s", kernel->path,
				   reason);
	return modules_fit(model, partition, end);
}

static bool firmware_fits(const struct model *model, struct model_partition *partition)
{
	const struct model_file *file = &partition->files[0];
	const char *reason = firmware_check(file->bytes.size);

	if (reason != NULL)
		return model_error(model, partition->where, "firmware", "%s: %s", file->path, reason);
	if (partition->memory < MODEL_FIRMWARE_MEMORY_MIN)
		return model_error(model, partition->where, "memory",
				   "%s: with firmware, memory must be at least 2M", partition->name);
	partition->vmm_memory += pages_up(file->bytes.size);
	return true;
}

static bool vm_load(struct model *model, struct model_partition *partition)
{
	const bool firmware = partition->firmware != NULL;
	bool ok;

	if (!vm_check(model, partition))
		return false;
	ok = partition_file_add(model, partition, partition->where,
				firmware ? "firmware" : "kernel",
				firmware ? partition->firmware : partition->kernel);
	ok = modules_load(model, partition) && ok;
	ok = disks_load(model, partition) && ok;
	display_memory_add(model, partition);
	if (partition->flags & SYSTEM_PARTITION_LINK)
		partition->vmm_memory += LINK_MEMORY;
	if (!ok || !files_fit(model, partition) ||
	    !(firmware ? firmware_fits(model, partition) : vm_fits(model, partition)))
		return false;
	partition_args_make(model, partition);
	return strlen(partition->args) < MODEL_ARGS_MAX ||
	       model_error(model, partition->where, NULL,
			   "%s: its VMM's command line of %zu characters is too long",
			   partition->name, strlen(partition->args));
}

/* The kernel will make the same check of a program. */
static bool native_load(struct model *model, struct model_partition *partition)
{
	struct model_file *program = &partition->own_program;
	struct elf_program elf;
	const char *reason;
	bool ok = modules_load(model, partition);

	if (partition->program == NULL || !ok || !files_fit(model, partition))
		return false;
	program->path = string_copy(partition->program);
	program->name = string_copy(path_base(partition->program));
	if (!read_file(model, partition->where, "program", program->path, &program->bytes))
		return false;
	reason = elf_check(program->bytes.data, program->bytes.size, &elf);
	if (reason != NULL)
		return model_error(model, partition->where, "program", "%s: %s", program->path,
				   reason);
	partition->args = string_copy(partition->program_args ? partition->program_args : "");
	return true;
}

/* ---- defaults ---- */

static void partition_defaults(struct model_partition *partition, size_t index)
{
	const bool native = partition->kind == SYSTEM_PARTITION_NATIVE;

	if (partition->kind == 0)
		partition->kind = SYSTEM_PARTITION_VMM;
	if (partition->name[0] == '\0')
		snprintf(partition->name, sizeof(partition->name), "vm%zu", index + 1);
	if (partition->memory == 0)
		partition->memory = native ? MODEL_NATIVE_MEMORY_DEFAULT : MODEL_MEMORY_DEFAULT;
	if (partition->vcpus == 0)
		partition->vcpus = 1;
}

static bool says(const struct model_partition *partition, const char *key)
{
	return yaml_find(yaml_find(partition->where, "console"), key) != NULL;
}

/* With one partition its lines need no name; with several, the first gets the keys. */
static void console_defaults(struct model *model)
{
	uint32_t input = 0;

	for (size_t i = 0; i < model->partition_count; i++) {
		struct model_partition *partition = &model->partitions[i];

		input |= partition->flags & SYSTEM_PARTITION_INPUT;
		if (model->partition_count > 1 && !says(partition, "prefix"))
			partition->flags |= SYSTEM_PARTITION_PREFIX;
	}
	if (input == 0 && model->partition_count != 0 && !says(&model->partitions[0], "keys"))
		model->partitions[0].flags |= SYSTEM_PARTITION_INPUT;
}

static bool wants_vmm(const struct model *model)
{
	for (size_t i = 0; i < model->partition_count; i++)
		if (model->partitions[i].kind == SYSTEM_PARTITION_VMM)
			return true;
	return false;
}

static bool vmm_load(struct model *model)
{
	if (!wants_vmm(model))
		return true;
	model->vmm.name = string_copy("vmm");
	model->vmm.path = model->vmm_path ? string_copy(model->vmm_path)
					  : path_of_part("vmm/vmm.elf");
	return read_file(model, NULL, NULL, model->vmm.path, &model->vmm.bytes);
}

bool model_load(struct model *model)
{
	bool ok = true;

	console_defaults(model);
	for (size_t i = 0; i < model->partition_count; i++)
		partition_defaults(&model->partitions[i], i);
	ok = vmm_load(model);
	for (size_t i = 0; i < model->partition_count; i++) {
		struct model_partition *partition = &model->partitions[i];

		ok = (partition->kind == SYSTEM_PARTITION_VMM ? vm_load(model, partition)
							      : native_load(model, partition)) &&
		     ok;
	}
	/* Now with the files; what was too much without them has been said. */
	if (model->complaints != NULL && model->complaints->errors != 0)
		return false;
	return ok && check_memory(model);
}

/* ---- the end ---- */

static void strings_free(struct strings *strings)
{
	for (size_t i = 0; i < strings->count; i++)
		free(strings->item[i]);
	free(strings->item);
}

static void file_free(struct model_file *file)
{
	free(file->path);
	free(file->name);
	free(file->bytes.data);
}

static void health_free(struct model_health_table *table)
{
	for (size_t i = 0; i < table->count; i++)
		free(table->entries[i].plan_name);
	free(table->entries);
}

static void partition_free(struct model_partition *partition)
{
	for (size_t i = 0; i < partition->module_count; i++) {
		free(partition->modules[i].path);
		free(partition->modules[i].args);
	}
	for (size_t i = 0; i < partition->disk_count; i++)
		free(partition->disks[i].path);
	for (size_t i = 0; i < partition->network_count; i++) {
		free(partition->networks[i].region);
		free(partition->networks[i].mac);
	}
	for (size_t i = 0; i < partition->file_count; i++)
		file_free(&partition->files[i]);
	file_free(&partition->own_program);
	free(partition->modules);
	free(partition->files);
	free(partition->kernel);
	free(partition->firmware);
	free(partition->cmdline);
	free(partition->program);
	free(partition->program_args);
	free(partition->args);
	free(partition->devices);
	free(partition->disks);
	free(partition->serial_in);
	free(partition->serial_out);
	free(partition->networks);
	strings_free(&partition->vmm_options);
	strings_free(&partition->ports);
	health_free(&partition->health);
}

static void plan_free(struct model_plan *plan)
{
	for (size_t i = 0; i < plan->lane_count; i++) {
		for (size_t w = 0; w < plan->lanes[i].window_count; w++)
			free(plan->lanes[i].windows[w].partition_name);
		free(plan->lanes[i].windows);
	}
	free(plan->lanes);
	free(plan->windows);
	strings_free(&plan->without);
}

static void channel_free(struct model_channel *channel)
{
	free(channel->source.address);
	for (size_t i = 0; i < channel->destination_count; i++)
		free(channel->destinations[i].address);
	free(channel->destinations);
}

static void region_free(struct model_region *region)
{
	for (size_t i = 0; i < region->share_count; i++)
		free(region->shares[i].partition_name);
	free(region->shares);
}

static void lists_free(struct model *model)
{
	for (size_t i = 0; i < model->partition_count; i++)
		partition_free(&model->partitions[i]);
	for (size_t i = 0; i < model->plan_count; i++)
		plan_free(&model->plans[i]);
	for (size_t i = 0; i < model->channel_count; i++)
		channel_free(&model->channels[i]);
	for (size_t i = 0; i < model->region_count; i++)
		region_free(&model->regions[i]);
	free(model->partitions);
	free(model->plans);
	free(model->channels);
	free(model->regions);
}

void model_free(struct model *model)
{
	lists_free(model);
	health_free(&model->health);
	strings_free(&model->vmm_options);
	file_free(&model->vmm);
	free(model->vmm_path);
	free(model->name);
	yaml_free(model->root);
	if (model->complaints != NULL)
		complaints_free(model->complaints);
	free(model->complaints);
	*model = (struct model){0};
}
