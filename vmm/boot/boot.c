/* SPDX-License-Identifier: BSD-2-Clause */
#include "vmm/boot/boot.h"

#include "lib/kernel_check.h"
#include "lib/string.h"
#include "vmm/status.h"

/** Length of the file name in a "NAME arguments" string. */
static size_t name_length(const char *module)
{
	size_t n = 0;

	while (module[n] != '\0' && module[n] != ' ' && module[n] != '\t')
		n++;
	return n;
}

int boot_refuse(struct vm *vm, const char *file, const char *reason)
{
	vm_log(vm, "%.*s: %s", (int)name_length(file), file, reason);
	return VMM_STATUS_LOAD;
}

int boot_failed(struct vm *vm, hv_status_t status)
{
	vm_log(vm, "cannot set vCPU 0's registers: error %d", status);
	return VMM_STATUS_HYPERVISOR;
}

int boot_kernel_file(struct vm *vm, const struct options *options, struct platform_file *file)
{
	if (!options->kernel) {
		vm_log(vm, "no kernel: --kernel NAME or --firmware NAME is missing");
		return VMM_STATUS_OPTIONS;
	}
	if (!platform_file(options->kernel, file))
		return boot_refuse(vm, options->kernel, "no such file in this partition");
	return 0;
}

int boot_module_file(struct vm *vm, const char *module, struct platform_file *file)
{
	const size_t length = name_length(module);
	char name[HV_PAGE_SIZE / 16];

	if (length >= sizeof(name))
		return boot_refuse(vm, module, "this name is too long");
	memcpy(name, module, length);
	name[length] = '\0';
	if (!platform_file(name, file))
		return boot_refuse(vm, name, "no such file in this partition");
	return 0;
}

uint64_t boot_memory_end(const struct vm *vm)
{
	return vm->ram_size < VM_LOW_LIMIT ? vm->ram_size : VM_LOW_LIMIT;
}

void boot_set_segment(struct hv_x86_segment *segment, uint16_t selector, uint32_t attr)
{
	*segment = (struct hv_x86_segment){.limit = UINT32_MAX, .attr = attr, .selector = selector};
}

int boot_guest(struct vm *vm, const struct options *options)
{
	static int (*const protocols[])(struct vm *, const struct options *) = {
		[KERNEL_MULTIBOOT] = boot_multiboot,
		[KERNEL_LINUX] = boot_linux,
		[KERNEL_MULTIBOOT2] = boot_multiboot2,
	};
	struct platform_file file;

	if (options->firmware)
		return boot_firmware(vm, options);
	int failed = boot_kernel_file(vm, options, &file);
	if (failed)
		return failed;
	return protocols[kernel_kind(file.data, file.size)](vm, options);
}
