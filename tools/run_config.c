/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `hypike run FILE`: the machine of a configuration file, which has what a partition of a system has
 * (docs/configuration.md), or is such a system.
 *
 * @req TOOL-133 `hypike run` takes a partition of kind vm out of a file by the keys of a system's
 *               configuration; options go before what it says.
 */
#include <stdio.h>
#include <string.h>

#include "tools/config.h"
#include "tools/run.h"

static bool take_disks(struct run *run, const struct model_partition *vm)
{
	for (size_t i = 0; i < vm->disk_count; i++)
		strings_add(&run->disks, "%s,%s", vm->disks[i].path,
			    vm->disks[i].mode == MODEL_DISK_OVERLAY ? "overlay" : "ro");
	return true;
}

static void take_modules(struct run *run, const struct model_partition *vm)
{
	for (size_t i = 0; i < vm->module_count; i++) {
		const struct model_module *module = &vm->modules[i];
		const bool args = module->args != NULL && module->args[0] != '\0';
		strings_add(&run->modules, "%s%s%s", module->path, args ? " " : "",
			    args ? module->args : "");
	}
}

/* What was said on the command line stays. */
static void unless_set(const char **option, const char *value)
{
	if (*option == NULL)
		*option = value;
}

static void take_vm(struct run *run, const struct model_partition *vm)
{
	if (vm->memory != 0)
		unless_set(&run->memory, string_format("%llu", (unsigned long long)vm->memory));
	if (vm->vcpus != 0)
		unless_set(&run->cpus, string_format("%llu", (unsigned long long)vm->vcpus));
	if (run->kernel == NULL && run->firmware == NULL) {
		run->kernel = vm->kernel;
		run->firmware = vm->firmware;
	}
	unless_set(&run->cmdline, vm->cmdline);
	take_modules(run, vm);
	take_disks(run, vm);
	run->rng |= (vm->vm_flags & MODEL_VM_RNG) != 0;
	run->virtio_console |= (vm->vm_flags & MODEL_VM_CONSOLE) != 0;
	for (size_t i = 0; i < vm->vmm_options.count; i++)
		strings_add(&run->more, "%s", vm->vmm_options.item[i]);
}

/* What only a system has. */
static bool fits(const char *path, const struct model_partition *vm)
{
	if (vm->kind != SYSTEM_PARTITION_VMM)
		return report("%s: it is no virtual machine", path);
	if (vm->network_count != 0)
		return report("%s: `network' is for a system of several partitions; here, --net", path);
	return vm->serial_in == NULL ||
	       report("%s: `serial2' is for a system of several partitions", path);
}

/* @return the partition of that name, or the only one; NULL after report(). */
static const struct model_partition *choose(const struct run *run, const struct model *model)
{
	if (run->partition == NULL && model->partition_count == 1)
		return &model->partitions[0];
	for (size_t i = 0; run->partition != NULL && i < model->partition_count; i++)
		if (strcmp(model->partitions[i].name, run->partition) == 0)
			return &model->partitions[i];
	if (run->partition != NULL)
		report("%s: there is no partition %s", run->config, run->partition);
	else
		report("%s: which of its partitions? (--partition NAME)", run->config);
	return NULL;
}

bool run_config(struct run *run)
{
	struct model *model = memory_new(sizeof(*model)); /* what it has is used to the end */
	const bool ok = config_read_vm(run->config, model);

	if (model->complaints != NULL)
		complaints_print(model->complaints, stderr);
	if (!ok)
		return false;
	const struct model_partition *vm = choose(run, model);
	if (vm == NULL || !fits(run->config, vm))
		return false;
	take_vm(run, vm);
	return true;
}
