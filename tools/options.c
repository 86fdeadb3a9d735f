/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/options.h"

#include <hypike/link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char model_options_help[] =
	"Virtual machines (options before the first --vm describe the first machine):\n"
	"  --vm NAME          begin the next virtual machine\n"
	"  --kernel FILE      the kernel to run in it: Multiboot or Linux\n"
	"  --firmware FILE    in place of a kernel: a ROM image, started at the reset vector\n"
	"  --cmdline TEXT     the kernel's command line\n"
	"  --module \"FILE A\"  a Multiboot module and the arguments in its string; repeatable\n"
	"  --disk FILE[,overlay]  a virtio disk, read-only or with writes kept while the machine\n"
	"                     lives; repeatable\n"
	"  --memory SIZE      the machine's memory: 16M, 1G, ... (64M)\n"
	"  --vcpus N          its number of CPUs (1)\n"
	"  --pin N[,N...]     the CPUs of the real machine that it may run on (all)\n"
	"  --priority N       of its threads, 0 to 63, 63 being the most urgent (16)\n"
	"  --vmm FILE         the VMM program, in place of HyPike's own\n"
	"  --vmm-option TEXT  one more option for every VMM; repeatable\n";

static bool set_name(struct model_partition *partition, const char *name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789_-.";

	if (name[0] == '\0' || strlen(name) >= SYSTEM_NAME_SIZE ||
	    name[strspn(name, allowed)] != '\0')
		return report("--vm %s: a name has 1 to %u letters, digits, `_', `-' or `.'", name,
			      SYSTEM_NAME_SIZE - 1);
	memcpy(partition->name, name, strlen(name));
	return true;
}

static bool set_kernel(struct model_partition *partition, const char *path)
{
	if (partition->kernel != NULL)
		return report("--kernel %s: %s is the kernel already (--vm NAME begins another "
			      "machine)",
			      path, partition->kernel);
	partition->kernel = string_copy(path);
	return true;
}

static bool set_firmware(struct model_partition *partition, const char *path)
{
	if (partition->firmware != NULL)
		return report("--firmware %s: it is %s already", path, partition->firmware);
	partition->firmware = string_copy(path);
	return true;
}

static bool add_module(struct model_partition *partition, const char *text)
{
	const size_t length = strcspn(text, " ");
	struct model_module module = {
		.path = string_format("%.*s", (int)length, text),
		.args = string_copy(text + length + (text[length] == ' ')),
	};

	if (length == 0)
		return report("--module: no file was named");
	partition->modules = memory_grow(partition->modules, partition->module_count + 1,
					 sizeof(*partition->modules));
	partition->modules[partition->module_count++] = module;
	return true;
}

static bool add_disk(struct model_partition *partition, const char *text)
{
	const char *comma = strrchr(text, ',');
	const bool overlay = comma != NULL && strcmp(comma, ",overlay") == 0;
	const bool plain = comma != NULL && strcmp(comma, ",ro") == 0;
	const bool link = comma != NULL && strncmp(comma, ",link=", 6) == 0;
	const size_t length = overlay || plain || link ? (size_t)(comma - text) : strlen(text);
	struct model_disk disk = {
		.path = string_format("%.*s", (int)length, text),
		.mode = link ? MODEL_DISK_LINK : overlay ? MODEL_DISK_OVERLAY : MODEL_DISK_READ_ONLY,
		.link = link ? string_format(LINK_NAME "%s:", comma + 6) : NULL,
	};

	if (length == 0)
		return report("--disk: no file was named");
	partition->disks = memory_grow(partition->disks, partition->disk_count + 1,
				       sizeof(*partition->disks));
	partition->disks[partition->disk_count++] = disk;
	return true;
}

static bool set_memory(struct model_partition *partition, const char *text)
{
	return parse_size(text, &partition->memory) ||
	       report("--memory %s: no size such as 64M, 1G or 4096K", text);
}

static bool set_vcpus(struct model_partition *partition, const char *text)
{
	uint64_t number;

	if (!parse_number(text, 1, SYSTEM_MAX_THREAD - 1, &number))
		return report("--vcpus %s: no number from 1 to %u", text, SYSTEM_MAX_THREAD - 1);
	partition->vcpus = number;
	return true;
}

static bool set_priority(struct model_partition *partition, const char *text)
{
	uint64_t number;

	if (!parse_number(text, 0, SYSTEM_MAX_PRIORITY, &number))
		return report("--priority %s: no number from 0 to %u", text, SYSTEM_MAX_PRIORITY);
	partition->priority = number;
	return true;
}

static bool set_pin(struct model_partition *partition, const char *text)
{
	char *copy = string_copy(text);
	char *save = NULL;
	bool ok = true;

	for (char *word = strtok_r(copy, ",", &save); word && ok;
	     word = strtok_r(NULL, ",", &save)) {
		uint64_t number;

		ok = parse_number(word, 0, SYSTEM_MAX_CPU - 1, &number);
		if (ok)
			partition->cpus |= UINT64_C(1) << number;
	}
	free(copy);
	return (ok && partition->cpus != 0) ||
	       report("--pin %s: no list of CPU numbers such as 0,2", text);
}

/* An option about the virtual machine that is being described. */
static const struct {
	int value;
	bool (*set)(struct model_partition *partition, const char *argument);
} setters[] = {
	{OPTION_KERNEL, set_kernel}, {OPTION_MODULE, add_module}, {OPTION_DISK, add_disk},
	{OPTION_MEMORY, set_memory}, {OPTION_VCPUS, set_vcpus},	  {OPTION_PRIORITY, set_priority},
	{OPTION_PIN, set_pin},	     {OPTION_FIRMWARE, set_firmware},
};

static struct model_partition *current(struct model *model)
{
	if (model->partition_count == 0)
		return model_partition_add(model);
	return &model->partitions[model->partition_count - 1];
}

bool model_option(struct model *model, int value, const char *argument)
{
	switch (value) {
	case OPTION_VM:
		return set_name(model_partition_add(model), argument);
	case OPTION_CMDLINE:
		current(model)->cmdline = string_copy(argument);
		return true;
	case OPTION_VMM:
		model->vmm_path = string_copy(argument);
		return true;
	case OPTION_VMM_OPTION:
		strings_add(&model->vmm_options, "%s", argument);
		return true;
	default:
		break;
	}
	for (size_t i = 0; i < sizeof(setters) / sizeof(setters[0]); i++)
		if (setters[i].value == value)
			return setters[i].set(current(model), argument);
	return false;
}
