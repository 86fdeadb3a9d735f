/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The keys of a configuration file, from the parts to the whole. The help texts go into the JSON
 * Schema, which editors show.
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "tools/config_value.h"

#define KEY(name, value, type, member, help) {name, &(value), offsetof(type, member), false, help}
#define NEED(name, value, type, member, help) {name, &(value), offsetof(type, member), true, help}
#define END {NULL, NULL, 0, false, NULL}

static const struct config_value text = {.kind = CONFIG_TEXT};
static const struct config_value path = {.kind = CONFIG_PATH};
static const struct config_value name = {.kind = CONFIG_NAME};
static const struct config_value memory = {
	.kind = CONFIG_SIZE, .min = SYSTEM_PAGE, .max = UINT64_C(1) << 40, .step = SYSTEM_PAGE};
static const struct config_value interval = {
	.kind = CONFIG_TIME, .min = 0, .max = SYSTEM_MAX_FRAME};
static const struct config_value length = {
	.kind = CONFIG_TIME, .min = SYSTEM_MIN_WINDOW, .max = SYSTEM_MAX_FRAME};
static const struct config_value boolean = {.kind = CONFIG_BOOL};
static const struct config_value cpu_set = {.kind = CONFIG_CPUS, .max = SYSTEM_MAX_CPU - 1};

/* ---- lists that grow ---- */

static void *add_to(void *list, size_t *count, size_t size)
{
	char **entries = list;
	void *entry;

	*entries = memory_grow(*entries, *count + 1, size);
	entry = *entries + *count * size;
	memset(entry, 0, size);
	++*count;
	return entry;
}

static bool name_is_good(const char *word)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789_-";

	return word[0] != '\0' && strlen(word) < SYSTEM_NAME_SIZE &&
	       word[strspn(word, allowed)] == '\0';
}

/* Dots separate a partition from its port: none in names. */
static bool take_name(struct config *config, const struct yaml_node *node, char to[SYSTEM_NAME_SIZE])
{
	if (!name_is_good(node->key)) {
		complain(config->model->complaints, COMPLAINT_ERROR, node->key_place,
			 "a name has 1 to %u letters, digits, `_' or `-'", SYSTEM_NAME_SIZE - 1);
		return false;
	}
	memcpy(to, node->key, strlen(node->key));
	return true;
}

static void *add_string(struct config *config, void *target, const struct yaml_node *node)
{
	struct strings *strings = target;

	(void)config;
	(void)node;
	strings_add(strings, "%s", "");
	return &strings->item[strings->count - 1];
}

/* ---- health monitor ---- */

static const struct config_choice errors[] = {
	{"deadline-missed", SYSTEM_ERROR_DEADLINE_MISSED, "a process missed its deadline"},
	{"application", SYSTEM_ERROR_APPLICATION, "raised by a process"},
	{"numeric", SYSTEM_ERROR_NUMERIC, "division, floating point, overflow"},
	{"illegal-request", SYSTEM_ERROR_ILLEGAL_REQUEST, "a system call that is not allowed"},
	{"stack-overflow", SYSTEM_ERROR_STACK_OVERFLOW, "a stack is too small"},
	{"memory-violation", SYSTEM_ERROR_MEMORY_VIOLATION, "an access that isn't allowed"},
	{"hardware-fault", SYSTEM_ERROR_HARDWARE_FAULT, "a machine check"},
	{"power-fail", SYSTEM_ERROR_POWER_FAIL, "the power goes"},
	{"instruction", SYSTEM_ERROR_INSTRUCTION, "an invalid or privileged instruction"},
	{"guest-fault", SYSTEM_ERROR_GUEST_FAULT, "a virtual machine's triple fault"},
	{"vmm-fault", SYSTEM_ERROR_VMM_FAULT, "a VMM crashed or ended with an error"},
	{"hang", SYSTEM_ERROR_HANG, "no sign of life within the watchdog's time"},
	{"partition-init", SYSTEM_ERROR_PARTITION_INIT, "a partition couldn't be started"},
	{"window-late", SYSTEM_ERROR_WINDOW_LATE, "a window began later than its bound"},
	{"port-overflow", SYSTEM_ERROR_PORT_OVERFLOW, "a queuing port lost a message"},
	{"nmi", SYSTEM_ERROR_NMI, "an NMI without a source that is known"},
	{"exit", SYSTEM_ERROR_EXIT, "the partition's program ended by itself"},
	{NULL, 0, NULL},
};

static const struct config_choice actions[] = {
	{"ignore", SYSTEM_ACTION_IGNORE, "nothing"},
	{"log", SYSTEM_ACTION_LOG, "an entry in the log"},
	{"notify", SYSTEM_ACTION_NOTIFY, "log, and tell the partition's error handler"},
	{"restart-warm", SYSTEM_ACTION_RESTART_WARM, "restart the partition, RAM as it is"},
	{"restart-cold", SYSTEM_ACTION_RESTART_COLD, "restart the partition, RAM scrubbed"},
	{"stop", SYSTEM_ACTION_STOP, "stop the partition for good"},
	{"switch-plan", SYSTEM_ACTION_SWITCH_PLAN, "switch to `plan' at the frame's end"},
	{"halt-module", SYSTEM_ACTION_HALT_MODULE, "halt the machine"},
	{"restart-module", SYSTEM_ACTION_RESTART_MODULE, "restart the machine"},
	{NULL, 0, NULL},
};

static const struct config_value action = {.kind = CONFIG_CHOICE, .choices = actions};
static const struct config_value restart_limit = {.kind = CONFIG_NUMBER, .min = 1,
						  .max = UINT32_MAX};

static const struct config_key health_entry_keys[] = {
	NEED("action", action, struct model_health, action, "what is done"),
	KEY("limit", restart_limit, struct model_health, limit,
	    "restarts before the partition is stopped; without it, always"),
	KEY("plan", name, struct model_health, plan_name, "switch-plan: which"),
	END,
};

static void health_done(struct config *config, void *target, const struct yaml_node *node)
{
	const struct model_health *entry = target;
	const bool restarts = entry->action == SYSTEM_ACTION_RESTART_WARM ||
			      entry->action == SYSTEM_ACTION_RESTART_COLD;
	const bool switches = entry->action == SYSTEM_ACTION_SWITCH_PLAN;

	if (entry->action == 0)
		return;
	if (entry->limit != 0 && !restarts)
		model_error(config->model, node, "limit", "only a restart has a limit");
	if (entry->plan_name != NULL && !switches)
		model_error(config->model, node, "plan", "only `switch-plan' has a plan");
	if (entry->plan_name == NULL && switches)
		model_error(config->model, node, NULL,
			    "`switch-plan' needs a plan: {action: switch-plan, plan: NAME}");
}

static const struct config_value health_entry = {.kind = CONFIG_MAP, .keys = health_entry_keys,
						 .scalar_is_first = true, .done = health_done};

static void *add_health(struct config *config, void *target, const struct yaml_node *node)
{
	struct model_health_table *table = target;
	struct model_health *entry = add_to(&table->entries, &table->count, sizeof(*entry));

	(void)config;
	entry->where = node;
	for (const struct config_choice *error = errors; error->name != NULL; error++)
		if (strcmp(error->name, node->key) == 0)
			entry->error = error->number;
	return entry;
}

static const struct config_value health = {.kind = CONFIG_NAMED, .choices = errors,
					   .item = &health_entry, .add = add_health};

static const struct config_choice restart_kinds[] = {
	{"never", SYSTEM_ACTION_STOP, "a fault stops it for good"},
	{"warm", SYSTEM_ACTION_RESTART_WARM, "its RAM stays as it is"},
	{"cold", SYSTEM_ACTION_RESTART_COLD, "its RAM is scrubbed"},
	{NULL, 0, NULL},
};

static const struct config_value restart_kind = {.kind = CONFIG_CHOICE, .choices = restart_kinds};
static const struct config_key restart_keys[] = {
	NEED("kind", restart_kind, struct model_partition, restart, "how"),
	KEY("limit", restart_limit, struct model_partition, restart_limit,
	    "restarts before it is stopped; without it, always"),
	END,
};
static const struct config_value restart = {.kind = CONFIG_MAP, .keys = restart_keys,
					    .scalar_is_first = true};

/* ---- partitions ---- */

static const struct config_choice partition_kinds[] = {
	{"vm", SYSTEM_PARTITION_VMM, "a virtual machine"},
	{"native", SYSTEM_PARTITION_NATIVE, "a program over libhypike"},
	{NULL, 0, NULL},
};
static const struct config_value partition_kind = {.kind = CONFIG_CHOICE,
						   .choices = partition_kinds};

static const struct config_choice machines[] = {
	{"pc", 0, "a PC, as unmodified systems expect it"},
	{NULL, 0, NULL},
};
static const struct config_value machine = {.kind = CONFIG_CHOICE, .choices = machines};

static const struct config_choice rights[] = {
	{"shutdown", SYSTEM_PARTITION_MAY_SHUTDOWN, "end the machine"},
	{"plan", SYSTEM_PARTITION_MAY_PLAN, "choose the plan"},
	{"control", SYSTEM_PARTITION_MAY_CONTROL,
	 "stop and restart others; read health log and trace"},
	{NULL, 0, NULL},
};
static const struct config_value rights_set = {.kind = CONFIG_FLAGS, .choices = rights};

static const struct config_choice flushes[] = {
	{"cache", SYSTEM_PARTITION_FLUSH_CACHE, "data cache"},
	{"branch", SYSTEM_PARTITION_FLUSH_BRANCH, "branch predictor"},
	{"tlb", SYSTEM_PARTITION_FLUSH_TLB, "address translations"},
	{NULL, 0, NULL},
};
static const struct config_value flush_set = {.kind = CONFIG_FLAGS, .choices = flushes};

static const struct config_choice stolen_times[] = {
	{"visible", 0, "the clock goes on"},
	{"hidden", SYSTEM_PARTITION_HIDE_STOLEN, "the clock stands still"},
	{NULL, 0, NULL},
};
static const struct config_value stolen_time = {.kind = CONFIG_CHOICE, .choices = stolen_times,
						.bits = SYSTEM_PARTITION_HIDE_STOLEN};

static const struct config_value background = {.kind = CONFIG_BOOL,
					       .bits = SYSTEM_PARTITION_BACKGROUND};
static const struct config_value dormant = {.kind = CONFIG_BOOL, .bits = SYSTEM_PARTITION_DORMANT};
static const struct config_value service = {.kind = CONFIG_BOOL, .bits = SYSTEM_PARTITION_SERVICE};
static const struct config_value keys_bit = {.kind = CONFIG_BOOL, .bits = SYSTEM_PARTITION_INPUT};
static const struct config_value prefix_bit = {.kind = CONFIG_BOOL,
					       .bits = SYSTEM_PARTITION_PREFIX};
static const struct config_value vcpus = {.kind = CONFIG_NUMBER, .min = 1, .max = 16};
static const struct config_value threads = {.kind = CONFIG_NUMBER, .min = 1,
					    .max = SYSTEM_MAX_THREAD};
static const struct config_value priority = {.kind = CONFIG_NUMBER, .max = SYSTEM_MAX_PRIORITY};
static const struct config_value watchdog = {.kind = CONFIG_TIME, .min = 1000000,
					     .max = SYSTEM_MAX_FRAME};

static const struct config_key module_keys[] = {
	NEED("file", path, struct model_module, path, "its path"),
	KEY("args", text, struct model_module, args, "what follows its name in its string"),
	END,
};
static const struct config_value module = {.kind = CONFIG_MAP, .keys = module_keys,
					   .scalar_is_first = true};

static void *add_module(struct config *config, void *target, const struct yaml_node *node)
{
	struct model_partition *partition =
		(void *)((char *)target - offsetof(struct model_partition, modules));
	struct model_module *entry =
		add_to(&partition->modules, &partition->module_count, sizeof(*entry));

	(void)config;
	entry->where = node;
	return entry;
}

static const struct config_value modules = {.kind = CONFIG_LIST, .item = &module,
					    .add = add_module};

/* The same, without arguments. */
static const struct config_key file_keys[] = {
	NEED("file", path, struct model_module, path, "its path"),
	END,
};
static const struct config_value file = {.kind = CONFIG_MAP, .keys = file_keys,
					 .scalar_is_first = true};
static const struct config_value file_list = {.kind = CONFIG_LIST, .item = &file,
					      .add = add_module};

static const struct config_choice disk_modes[] = {
	{"ro", MODEL_DISK_READ_ONLY, "it can't be written to"},
	{"overlay", MODEL_DISK_OVERLAY, "what is written stays in memory while the VM lives"},
	{NULL, 0, NULL},
};
static const struct config_value disk_mode = {.kind = CONFIG_CHOICE, .choices = disk_modes};
static const struct config_key disk_keys[] = {
	NEED("file", path, struct model_disk, path, "its path"),
	KEY("mode", disk_mode, struct model_disk, mode, "read-only or with an overlay"),
	END,
};
static const struct config_value disk = {.kind = CONFIG_MAP, .keys = disk_keys,
					 .scalar_is_first = true};

static void *add_disk(struct config *config, void *target, const struct yaml_node *node)
{
	struct model_partition *partition =
		(void *)((char *)target - offsetof(struct model_partition, disks));
	struct model_disk *entry =
		add_to(&partition->disks, &partition->disk_count, sizeof(*entry));

	(void)config;
	entry->where = node;
	return entry;
}

static const struct config_value disks = {.kind = CONFIG_LIST, .item = &disk, .add = add_disk};

static const struct config_key network_keys[] = {
	NEED("cable", name, struct model_network, region,
	     "memory under `shared' that the other end has, too"),
	KEY("mac", text, struct model_network, mac, "its address: 52:54:00:12:34:56"),
	END,
};
static const struct config_value network = {.kind = CONFIG_MAP, .keys = network_keys,
					    .scalar_is_first = true};

static void *add_network(struct config *config, void *target, const struct yaml_node *node)
{
	struct model_partition *partition =
		(void *)((char *)target - offsetof(struct model_partition, networks));
	struct model_network *entry =
		add_to(&partition->networks, &partition->network_count, sizeof(*entry));

	(void)config;
	entry->where = node;
	return entry;
}

static const struct config_value networks = {.kind = CONFIG_LIST, .item = &network,
					     .add = add_network};
static const struct config_key serial_keys[] = {
	NEED("in", name, struct model_partition, serial_in, "its port that the line receives from"),
	NEED("out", name, struct model_partition, serial_out, "its port that the line sends to"),
	END,
};
static const struct config_value serial = {.kind = CONFIG_MAP, .keys = serial_keys};
static const struct config_value texts = {.kind = CONFIG_LIST, .item = &text, .add = add_string};
static const struct config_value rng_bit = {.kind = CONFIG_BOOL, .bits = MODEL_VM_RNG};
static const struct config_value console_bit = {.kind = CONFIG_BOOL, .bits = MODEL_VM_CONSOLE};

static void *add_port_name(struct config *config, void *target, const struct yaml_node *node)
{
	struct model_partition *partition =
		(void *)((char *)target - offsetof(struct model_partition, ports));

	partition->ports_named = true;
	return add_string(config, &partition->ports, node);
}

static const struct config_value port_names = {.kind = CONFIG_LIST, .item = &name,
					       .add = add_port_name};

static const struct config_value device_ports = {.kind = CONFIG_RANGE, .max = 0xffff,
						 .bits = SYSTEM_DEVICE_PORTS};
static const struct config_value device_memory = {.kind = CONFIG_RANGE, .step = SYSTEM_PAGE,
						  .max = (UINT64_C(1) << 52) - 1,
						  .bits = SYSTEM_DEVICE_MEMORY};
static const struct config_value device_irq = {.kind = CONFIG_RANGE, .max = 255,
					       .bits = SYSTEM_DEVICE_IRQ};

/* All three go into the device as a whole. */
static const struct config_key device_keys[] = {
	{"ports", &device_ports, 0, false, "x86 I/O ports: 0x2f8-0x2ff, or 0x60 alone"},
	{"memory", &device_memory, 0, false, "device memory, whole pages: 0xfeb00000+4K"},
	{"irq", &device_irq, 0, false, "an interrupt, by its global system interrupt number"},
	END,
};

static void device_done(struct config *config, void *target, const struct yaml_node *node)
{
	const struct model_device *device = target;

	if (device->kind == SYSTEM_DEVICE_IRQ && device->size != 1)
		model_error(config->model, node, "irq", "one interrupt an entry");
}

static const struct config_value device = {.kind = CONFIG_MAP, .keys = device_keys,
					   .one_key = true, .done = device_done};

static void *add_device(struct config *config, void *target, const struct yaml_node *node)
{
	struct model_partition *partition =
		(void *)((char *)target - offsetof(struct model_partition, devices));
	struct model_device *entry =
		add_to(&partition->devices, &partition->device_count, sizeof(*entry));

	(void)config;
	entry->where = node;
	return entry;
}

static const struct config_value devices = {.kind = CONFIG_LIST, .item = &device,
					    .add = add_device};

static const struct config_key console_keys[] = {
	KEY("keys", keys_bit, struct model_partition, flags,
	    "it gets the keys at the start; without one, the first partition does"),
	KEY("prefix", prefix_bit, struct model_partition, flags,
	    "its name before each of its lines; without it, where there are several partitions"),
	END,
};
static const struct config_value console = {.kind = CONFIG_MAP, .keys = console_keys};

static const struct config_key partition_keys[] = {
	NEED("kind", partition_kind, struct model_partition, kind,
	     "what it is: a virtual machine or a native program"),
	KEY("memory", memory, struct model_partition, memory,
	    "RAM of the virtual machine (64M), or of the native program beside itself (1M)"),
	KEY("kernel-memory", memory, struct model_partition, kernel_memory,
	    "what HyPike's kernel keeps for it; without it, what is necessary"),
	KEY("cpus", cpu_set, struct model_partition, cpus,
	    "where its threads may run; without it, where it has windows"),
	KEY("priority", priority, struct model_partition, priority,
	    "of its first thread, and the highest it may give: 0 to 63, the most urgent (16)"),
	KEY("threads", threads, struct model_partition, threads,
	    "how many it may have (native: 16)"),
	KEY("machine", machine, struct model_partition, machine, "vm: what its guest finds (pc)"),
	KEY("kernel", path, struct model_partition, kernel, "vm: the kernel, Multiboot or Linux"),
	KEY("firmware", path, struct model_partition, firmware,
	    "vm: in place of a kernel, a ROM image that starts at the reset vector"),
	KEY("cmdline", text, struct model_partition, cmdline, "vm: the kernel's command line"),
	KEY("modules", modules, struct model_partition, modules,
	    "vm: Multiboot modules, each a path or {file: PATH, args: TEXT}"),
	KEY("initrd", file_list, struct model_partition, modules,
	    "vm: Linux's initial archive, or several"),
	KEY("disks", disks, struct model_partition, disks,
	    "vm: virtio disks, each a path or {file: PATH, mode: ro or overlay}"),
	KEY("network", networks, struct model_partition, networks,
	    "vm: virtio network cards, each a cable or {cable: NAME, mac: ADDRESS}"),
	{"serial2", &serial, 0, false, "vm: its second serial line, COM2, is a pair of queuing ports"},
	KEY("rng", rng_bit, struct model_partition, vm_flags, "vm: a virtio entropy device"),
	KEY("virtio-console", console_bit, struct model_partition, vm_flags,
	    "vm: a virtio console beside the serial line"),
	KEY("vmm-options", texts, struct model_partition, vmm_options,
	    "vm: more options for its VMM, as they are"),
	KEY("vcpus", vcpus, struct model_partition, vcpus, "vm: its number of CPUs (1)"),
	KEY("stolen-time", stolen_time, struct model_partition, flags,
	    "vm: what its clock does outside its windows"),
	KEY("program", path, struct model_partition, program, "native: the program, an ELF file"),
	KEY("args", text, struct model_partition, program_args, "native: its argument string"),
	KEY("files", file_list, struct model_partition, modules,
	    "native: files that the program finds by their names"),
	KEY("ports", port_names, struct model_partition, ports,
	    "the ports that it uses: then each of them should be in a channel, and no other"),
	KEY("devices", devices, struct model_partition, devices, "hardware that it gets"),
	KEY("period", length, struct model_partition, period,
	    "each plan has to give it its budget in every such interval"),
	KEY("budget", length, struct model_partition, budget, "CPU time in each period"),
	KEY("background", background, struct model_partition, flags,
	    "it runs in time that nobody else uses"),
	KEY("flush", flush_set, struct model_partition, flags,
	    "what is flushed before another partition's window after it"),
	KEY("rights", rights_set, struct model_partition, flags, "what it may do to others"),
	KEY("dormant", dormant, struct model_partition, flags, "it isn't started at boot"),
	KEY("service", service, struct model_partition, flags,
	    "the machine ends when only such partitions are left"),
	KEY("watchdog", watchdog, struct model_partition, watchdog,
	    "own time without a sign of life that makes a hang"),
	{"restart", &restart, 0, false, "after a fault that has no entry under `health'"},
	KEY("health", health, struct model_partition, health,
	    "what is done at which error; what isn't here, the system's `health' says"),
	{"console", &console, 0, false, "keys and prefix"},
	END,
};

/* A key of the other kind would be without any effect. */
static void only_for(struct config *config, const struct yaml_node *node, const char *const *keys,
		     const char *kind)
{
	for (; *keys != NULL; keys++)
		if (yaml_find(node, *keys) != NULL)
			complain(config->model->complaints, COMPLAINT_ERROR,
				 yaml_find(node, *keys)->key_place,
				 "`%s' is for partitions of kind `%s'", *keys, kind);
}

/* Either starts the machine, and a kernel's belongings are for a kernel. */
static void kernel_or_firmware(struct config *config, const struct yaml_node *node)
{
	static const char *const others[] = {"kernel", "cmdline", "modules", "initrd", NULL};
	const struct yaml_node *firmware = yaml_find(node, "firmware");

	if (firmware == NULL && yaml_find(node, "kernel") == NULL)
		model_error(config->model, node, NULL, "`kernel' is missing, or `firmware'");
	for (const char *const *key = others; firmware != NULL && *key != NULL; key++)
		if (yaml_find(node, *key) != NULL)
			model_error(config->model, node, *key,
				    "there is no `%s' beside `firmware'", *key);
}

static void partition_done(struct config *config, void *target, const struct yaml_node *node)
{
	static const char *const vm[] = {"kernel", "firmware", "cmdline", "modules", "initrd", "disks",
					 "network", "serial2", "rng", "machine", "virtio-console",
					 "vmm-options", "vcpus", "stolen-time", NULL};
	static const char *const native[] = {"program", "args", "files", NULL};
	const struct model_partition *partition = target;

	if (node->kind != YAML_MAP || partition->kind == 0)
		return;
	if (partition->kind == SYSTEM_PARTITION_NATIVE)
		only_for(config, node, vm, "vm");
	else
		only_for(config, node, native, "native");
	if (partition->kind == SYSTEM_PARTITION_VMM)
		kernel_or_firmware(config, node);
	if (partition->kind == SYSTEM_PARTITION_NATIVE && yaml_find(node, "program") == NULL)
		model_error(config->model, node, NULL, "`program' is missing");
}

const struct config_value config_partition = {.kind = CONFIG_MAP, .keys = partition_keys,
					      .done = partition_done};

static void *add_partition(struct config *config, void *target, const struct yaml_node *node)
{
	char word[SYSTEM_NAME_SIZE] = {0};
	struct model_partition *entry;

	(void)target;
	if (!take_name(config, node, word))
		return NULL;
	entry = model_partition_add(config->model);
	entry->where = node;
	memcpy(entry->name, word, sizeof(word));
	return entry;
}

static const struct config_value partitions = {.kind = CONFIG_NAMED, .item = &config_partition,
					       .add = add_partition};

/* ---- plans ---- */

static const struct config_key window_keys[] = {
	NEED("partition", name, struct model_window, partition_name, "whose"),
	KEY("offset", interval, struct model_window, offset,
	    "from the frame's start; without it, where the window before ends"),
	NEED("duration", length, struct model_window, duration, "how long"),
	KEY("release", boolean, struct model_window, release,
	    "periodic processes start here; without it, the first window in each period"),
	END,
};
static const struct config_value window = {.kind = CONFIG_MAP, .keys = window_keys};

static void *add_window(struct config *config, void *target, const struct yaml_node *node)
{
	struct model_lane *lane = (void *)((char *)target - offsetof(struct model_lane, windows));
	struct model_window *entry =
		add_to(&lane->windows, &lane->window_count, sizeof(*entry));

	(void)config;
	entry->where = node;
	entry->cpu = lane->cpu;
	entry->offset = MODEL_NO_OFFSET;
	entry->release = -1;
	return entry;
}

static const struct config_value windows = {.kind = CONFIG_LIST, .item = &window,
					    .add = add_window};

static const struct config_key lane_keys[] = {
	KEY("frame", length, struct model_lane, frame,
	    "the windows repeat after that: the plan's frame is a multiple of it"),
	NEED("windows", windows, struct model_lane, windows, "in the order of time"),
	END,
};
static const struct config_value lane = {.kind = CONFIG_MAP, .keys = lane_keys};

static void *add_lane(struct config *config, void *target, const struct yaml_node *node)
{
	struct model_plan *plan = (void *)((char *)target - offsetof(struct model_plan, lanes));
	struct model_lane *entry;
	uint64_t number;

	if (!parse_number(node->key, 0, SYSTEM_MAX_CPU - 1, &number)) {
		complain(config->model->complaints, COMPLAINT_ERROR, node->key_place,
			 "expected the number of a CPU");
		return NULL;
	}
	entry = add_to(&plan->lanes, &plan->lane_count, sizeof(*entry));
	entry->where = node;
	entry->cpu = (uint32_t)number;
	return entry;
}

static const struct config_value lanes = {.kind = CONFIG_NAMED, .item = &lane, .add = add_lane};
static const struct config_value names = {.kind = CONFIG_LIST, .item = &name, .add = add_string};

static const struct config_key plan_keys[] = {
	NEED("frame", length, struct model_plan, frame, "the major frame of all CPUs"),
	NEED("cpus", lanes, struct model_plan, lanes, "CPU number: its windows"),
	KEY("without", names, struct model_plan, without,
	    "partitions with a period that this plan leaves out on purpose"),
	END,
};
static const struct config_value plan = {.kind = CONFIG_MAP, .keys = plan_keys};

static void *add_plan(struct config *config, void *target, const struct yaml_node *node)
{
	char word[SYSTEM_NAME_SIZE] = {0};
	struct model_plan *entry;

	(void)target;
	if (!take_name(config, node, word))
		return NULL;
	entry = add_to(&config->model->plans, &config->model->plan_count, sizeof(*entry));
	entry->where = node;
	memcpy(entry->name, word, sizeof(word));
	return entry;
}

static const struct config_value plans = {.kind = CONFIG_NAMED, .item = &plan, .add = add_plan};

/* ---- communication ---- */

static const struct config_choice channel_kinds[] = {
	{"sampling", SYSTEM_CHANNEL_SAMPLING, "the last message counts"},
	{"queuing", SYSTEM_CHANNEL_QUEUING, "each message is received once"},
	{NULL, 0, NULL},
};
static const struct config_value channel_kind = {.kind = CONFIG_CHOICE, .choices = channel_kinds};
static const struct config_value message_size = {.kind = CONFIG_SIZE, .min = 1,
						 .max = SYSTEM_MAX_MESSAGE};
static const struct config_value depth = {.kind = CONFIG_NUMBER, .min = 1,
					  .max = SYSTEM_MAX_DEPTH};
static const struct config_value refresh = {.kind = CONFIG_TIME, .min = 1,
					    .max = SYSTEM_MAX_FRAME};

static const struct config_key port_keys[] = {
	NEED("port", name, struct model_port, address, "partition.port"),
	KEY("depth", depth, struct model_port, depth, "queuing: messages that it holds"),
	KEY("refresh", refresh, struct model_port, refresh,
	    "sampling: how long a message stays valid"),
	END,
};
static const struct config_value port = {.kind = CONFIG_MAP, .keys = port_keys,
					 .scalar_is_first = true};

static void *add_destination(struct config *config, void *target, const struct yaml_node *node)
{
	struct model_channel *channel =
		(void *)((char *)target - offsetof(struct model_channel, destinations));
	struct model_port *entry =
		add_to(&channel->destinations, &channel->destination_count, sizeof(*entry));

	(void)config;
	entry->where = node;
	return entry;
}

static const struct config_value destinations = {.kind = CONFIG_LIST, .item = &port,
						 .add = add_destination};

static const struct config_key channel_keys[] = {
	NEED("kind", channel_kind, struct model_channel, kind, "sampling or queuing"),
	NEED("max-message", message_size, struct model_channel, max_message,
	     "the longest message, in bytes"),
	NEED("from", name, struct model_channel, source.address, "the source, partition.port"),
	NEED("to", destinations, struct model_channel, destinations,
	     "the destinations, each partition.port or {port: ..., depth: ..., refresh: ...}"),
	KEY("depth", depth, struct model_channel, depth,
	    "queuing: messages that each destination holds"),
	KEY("refresh", refresh, struct model_channel, refresh,
	    "sampling: how long a message stays valid"),
	END,
};
static const struct config_value channel = {.kind = CONFIG_MAP, .keys = channel_keys};

static void *add_channel(struct config *config, void *target, const struct yaml_node *node)
{
	char word[SYSTEM_NAME_SIZE] = {0};
	struct model_channel *entry;

	(void)target;
	if (!take_name(config, node, word))
		return NULL;
	entry = add_to(&config->model->channels, &config->model->channel_count, sizeof(*entry));
	entry->where = node;
	memcpy(entry->name, word, sizeof(word));
	return entry;
}

static const struct config_value channels = {.kind = CONFIG_NAMED, .item = &channel,
					     .add = add_channel};

static const struct config_choice share_rights[] = {
	{"rw", SYSTEM_SHARE_WRITE, "it may read and write"},
	{"ro", 0, "it may read"},
	{NULL, 0, NULL},
};
static const struct config_value share_right = {.kind = CONFIG_CHOICE, .choices = share_rights};

/* The item is read into the share's flags; its key is the partition. */
static void *add_share(struct config *config, void *target, const struct yaml_node *node)
{
	struct model_region *region =
		(void *)((char *)target - offsetof(struct model_region, shares));
	struct model_share *entry = add_to(&region->shares, &region->share_count, sizeof(*entry));

	(void)config;
	entry->where = node;
	entry->partition_name = string_copy(node->key);
	return &entry->flags;
}

static const struct config_value shares = {.kind = CONFIG_NAMED, .item = &share_right,
					   .add = add_share};
static const struct config_key region_keys[] = {
	NEED("size", memory, struct model_region, size, "whole pages of 4K"),
	NEED("map", shares, struct model_region, shares, "partition: rw or ro"),
	END,
};
static const struct config_value region = {.kind = CONFIG_MAP, .keys = region_keys};

static void *add_region(struct config *config, void *target, const struct yaml_node *node)
{
	char word[SYSTEM_NAME_SIZE] = {0};
	struct model_region *entry;

	(void)target;
	if (!take_name(config, node, word))
		return NULL;
	entry = add_to(&config->model->regions, &config->model->region_count, sizeof(*entry));
	entry->where = node;
	memcpy(entry->name, word, sizeof(word));
	return entry;
}

static const struct config_value regions = {.kind = CONFIG_NAMED, .item = &region,
					    .add = add_region};

/* ---- the whole ---- */

static const struct config_value records = {.kind = CONFIG_SIZE, .min = 256, .max = 1 << 20};
static const struct config_key trace_keys[] = {
	NEED("records", records, struct model, trace_records,
	     "of each CPU's ring: a power of two, 256 to 1M"),
	END,
};
static const struct config_value trace = {.kind = CONFIG_MAP, .keys = trace_keys};
static const struct config_value cpu_count = {.kind = CONFIG_NUMBER, .min = 1,
					      .max = SYSTEM_MAX_CPU};

static const struct config_key system_keys[] = {
	KEY("name", text, struct model, name, "of the system, for people"),
	KEY("cpus", cpu_count, struct model, cpus, "CPUs that the machine has at least"),
	KEY("memory", memory, struct model, memory,
	    "RAM that the machine has; then the sum is checked"),
	NEED("partitions", partitions, struct model, partitions, "name: what it is"),
	KEY("plans", plans, struct model, plans,
	    "name: who runs when; the first is the one at boot"),
	KEY("channels", channels, struct model, channels, "name: a way for messages"),
	KEY("shared", regions, struct model, regions, "name: memory that several partitions see"),
	KEY("health", health, struct model, health,
	    "what is done at which error, where the partition doesn't say"),
	{"trace", &trace, 0, false, "the ring of what happened"},
	END,
};

const struct config_value config_system = {.kind = CONFIG_MAP, .keys = system_keys};
