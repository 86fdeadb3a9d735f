/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hypercalls about ports and shared memory: system calls on the guest's behalf. Messages go straight
 * between the guest's RAM and the kernel, which looks at the guest's bytes once.
 */
#include "vmm/pv.h"

#include "lib/string.h"

#define READ  HV_PROT_READ
#define WRITE (HV_PROT_READ | HV_PROT_WRITE)

/* ------------------------------------------------------------------------------------ interrupts */

#define FIRST_VECTOR 16u /* of those that are no exceptions (SDM 3A 11.5.2) */
#define BINDINGS     32u

/* Message address and data (SDM 3A 11.11): fixed, edge, to one vCPU. */
#define MSI_ADDRESS    UINT64_C(0xfee00000)
#define MSI_DEST_SHIFT 12u

enum source { SOURCE_PORT, SOURCE_REGION };

/** What an event of the platform's becomes in the guest. */
struct binding {
	struct vm *vm;
	enum source source;
	uint32_t number; /**< of port or region */
	uint32_t vcpu;
	uint8_t vector; /**< 0: none */
	uint8_t signal;
};

static struct binding bindings[BINDINGS];
static uint32_t binding_count;

static void came(void *ctx, uint32_t value)
{
	const struct binding *binding = ctx;

	(void)value;
	if (binding->vector != 0)
		hv_msi(binding->vm->handle,
		       MSI_ADDRESS | (uint64_t)binding->vcpu << MSI_DEST_SHIFT, binding->vector);
}

static struct binding *binding_find(enum source source, uint32_t number)
{
	for (uint32_t i = 0; i < binding_count; i++) {
		if (bindings[i].source == source && bindings[i].number == number)
			return &bindings[i];
	}
	return NULL;
}

/** Make a binding with an event of its own. @return NULL where there are no more */
static struct binding *binding_make(struct vm *vm, enum source source, uint32_t number)
{
	struct binding *binding = &bindings[binding_count];
	const struct command command = {came, binding};

	if (binding_count == BINDINGS)
		return NULL;
	*binding = (struct binding){.vm = vm, .source = source, .number = number};
	if (!vm_signal(vm, &command, &binding->signal))
		return NULL;
	binding_count++;
	return binding;
}

static hv_status_t bind(struct vcpu *vcpu, enum source source, uint32_t number, uint64_t vector)
{
	struct binding *binding = binding_find(source, number);
	const struct platform_region region = {.number = number};

	if (vector > UINT8_MAX || (vector != 0 && vector < FIRST_VECTOR))
		return HV_E_INVALID;
	if (binding == NULL)
		binding = binding_make(vcpu->vm, source, number);
	if (binding == NULL)
		return HV_E_FULL;
	binding->vcpu = vcpu->index;
	binding->vector = (uint8_t)vector;
	return source == SOURCE_PORT ? platform_port_bind(number, binding->signal)
				     : platform_region_bind(&region, binding->signal);
}

/* ----------------------------------------------------------------------------------------- ports */

/** @return whether a number from the guest can be one of the platform's at all. */
static bool number_ok(uint64_t number)
{
	return number <= UINT32_MAX;
}

/** Give a result to the guest. */
static hv_status_t put(const struct vm *vm, uint64_t address, const void *result, size_t size)
{
	void *to = vm_ram(vm, address, size, WRITE);

	if (to == NULL)
		return HV_E_FAULT;
	memcpy(to, result, size);
	return HV_OK;
}

static bool take_name(const struct vm *vm, uint64_t address, char name[PV_NAME_SIZE])
{
	const void *from = vm_ram(vm, address, PV_NAME_SIZE, READ);

	if (from == NULL)
		return false;
	memcpy(name, from, PV_NAME_SIZE);
	return true;
}

static int64_t port_open(struct vcpu *vcpu, const uint64_t args[PV_ARGS])
{
	char name[PV_NAME_SIZE];
	struct pv_port_info info;

	if (!take_name(vcpu->vm, args[0], name))
		return HV_E_FAULT;
	hv_status_t status = platform_port_open(name, &info);
	return status == HV_OK ? put(vcpu->vm, args[1], &info, sizeof(info)) : status;
}

static int64_t port_status(struct vcpu *vcpu, const uint64_t args[PV_ARGS])
{
	struct pv_port_status result;
	hv_status_t status = platform_port_status((uint32_t)args[0], &result);

	return status == HV_OK ? put(vcpu->vm, args[1], &result, sizeof(result)) : status;
}

static int64_t port_bind(struct vcpu *vcpu, const uint64_t args[PV_ARGS])
{
	struct pv_port_status status;

	/* A binding is for good: only for a port that there is. */
	if (platform_port_status((uint32_t)args[0], &status) != HV_OK)
		return HV_E_NOENT;
	return bind(vcpu, SOURCE_PORT, (uint32_t)args[0], args[1]);
}

/** A message in the guest's RAM. @return NULL where it isn't, or is longer than any */
static void *message(struct vcpu *vcpu, const uint64_t args[PV_ARGS], uint32_t prot)
{
	return vm_ram(vcpu->vm, args[1], args[2], prot);
}

static int64_t sampling_write(struct vcpu *vcpu, const uint64_t args[PV_ARGS])
{
	const void *from = message(vcpu, args, READ);

	return from ? platform_sampling_write((uint32_t)args[0], from, args[2]) : HV_E_FAULT;
}

static int64_t sampling_read(struct vcpu *vcpu, const uint64_t args[PV_ARGS])
{
	void *to = message(vcpu, args, WRITE);
	struct pv_sample sample;

	if (to == NULL)
		return HV_E_FAULT;
	hv_status_t status = platform_sampling_read((uint32_t)args[0], to, args[2], &sample);
	return status == HV_OK ? put(vcpu->vm, args[3], &sample, sizeof(sample)) : status;
}

static int64_t queuing_send(struct vcpu *vcpu, const uint64_t args[PV_ARGS])
{
	const void *from = message(vcpu, args, READ);

	return from ? platform_queuing_send((uint32_t)args[0], from, args[2]) : HV_E_FAULT;
}

static int64_t queuing_receive(struct vcpu *vcpu, const uint64_t args[PV_ARGS])
{
	void *to = message(vcpu, args, WRITE);

	return to ? platform_queuing_receive((uint32_t)args[0], to, args[2]) : HV_E_FAULT;
}

static int64_t queuing_clear(struct vcpu *vcpu, const uint64_t args[PV_ARGS])
{
	(void)vcpu;
	return platform_queuing_clear((uint32_t)args[0]);
}

/* --------------------------------------------------------------------------------- shared memory */

#define REGIONS 4u

/** Regions that are mapped, and where. */
static struct {
	struct platform_region region;
	uint64_t where;
} mapped[REGIONS];
static uint32_t region_count;

static const struct platform_region *region_find(uint32_t number)
{
	for (uint32_t i = 0; i < region_count; i++) {
		if (mapped[i].region.number == number)
			return &mapped[i].region;
	}
	return NULL;
}

/** @return whether the guest has something there. */
static bool occupied(const struct vm *vm, uint64_t where, uint64_t size)
{
	for (uint32_t i = 0; i < vm->pieces; i++) {
		const struct vm_memory *piece = &vm->memory[i];
		if (where < piece->where + piece->size && piece->where < where + size)
			return true;
	}
	for (uint32_t i = 0; i < region_count; i++) {
		if (where < mapped[i].where + mapped[i].region.size &&
		    mapped[i].where < where + size)
			return true;
	}
	return false;
}

static hv_status_t region_map(struct vm *vm, const struct platform_region *region, uint64_t where)
{
	if (region_count == REGIONS)
		return HV_E_FULL;
	if (region_find(region->number) != NULL || occupied(vm, where, region->size))
		return HV_E_EXISTS;
	hv_status_t status = hv_map(vm->handle, gpa(where), region->data, region->size, WRITE);
	if (status == HV_OK) {
		mapped[region_count].region = *region;
		mapped[region_count++].where = where;
	}
	return status;
}

static int64_t shared_map(struct vcpu *vcpu, const uint64_t args[PV_ARGS])
{
	char name[PV_NAME_SIZE + 1] = {0};
	struct platform_region region;
	uint64_t end;

	if (!take_name(vcpu->vm, args[0], name) ||
	    vm_ram(vcpu->vm, args[2], sizeof(struct pv_shared), WRITE) == NULL)
		return HV_E_FAULT;
	if (!platform_region(name, &region))
		return HV_E_NOENT;
	if (args[1] % HV_PAGE_SIZE != 0 || !hv_add_ok(args[1], region.size, &end))
		return HV_E_INVALID;
	hv_status_t status = region_map(vcpu->vm, &region, args[1]);
	const struct pv_shared shared = {.size = region.size, .region = region.number};
	return status == HV_OK ? put(vcpu->vm, args[2], &shared, sizeof(shared)) : status;
}

static int64_t shared_notify(struct vcpu *vcpu, const uint64_t args[PV_ARGS])
{
	const struct platform_region *region = region_find((uint32_t)args[0]);

	(void)vcpu;
	if (region == NULL)
		return HV_E_NOENT;
	platform_region_notify(region);
	return HV_OK;
}

static int64_t shared_bind(struct vcpu *vcpu, const uint64_t args[PV_ARGS])
{
	if (region_find((uint32_t)args[0]) == NULL)
		return HV_E_NOENT;
	return bind(vcpu, SOURCE_REGION, (uint32_t)args[0], args[1]);
}

/* ------------------------------------------------------------------------------------------ table */

static const struct {
	int64_t (*settle)(struct vcpu *vcpu, const uint64_t args[PV_ARGS]);
	bool numbered; /**< the first argument is a port's or region's number */
} calls[PV_CALL_END - PV_CALL_VMM] = {
	[PV_CALL_PORT_OPEN - PV_CALL_VMM] = {port_open, false},
	[PV_CALL_PORT_STATUS - PV_CALL_VMM] = {port_status, true},
	[PV_CALL_PORT_BIND - PV_CALL_VMM] = {port_bind, true},
	[PV_CALL_SAMPLING_WRITE - PV_CALL_VMM] = {sampling_write, true},
	[PV_CALL_SAMPLING_READ - PV_CALL_VMM] = {sampling_read, true},
	[PV_CALL_QUEUING_SEND - PV_CALL_VMM] = {queuing_send, true},
	[PV_CALL_QUEUING_RECEIVE - PV_CALL_VMM] = {queuing_receive, true},
	[PV_CALL_QUEUING_CLEAR - PV_CALL_VMM] = {queuing_clear, true},
	[PV_CALL_SHARED_MAP - PV_CALL_VMM] = {shared_map, false},
	[PV_CALL_SHARED_NOTIFY - PV_CALL_VMM] = {shared_notify, true},
	[PV_CALL_SHARED_BIND - PV_CALL_VMM] = {shared_bind, true},
};

int64_t pv_hypercall(struct vcpu *vcpu, uint64_t number, const uint64_t args[PV_ARGS])
{
	if (number < PV_CALL_VMM || number >= PV_CALL_END)
		return HV_E_UNSUPPORTED;
	number -= PV_CALL_VMM;
	if (calls[number].numbered && !number_ok(args[0]))
		return HV_E_NOENT;
	return calls[number].settle(vcpu, args);
}

void pv_create(void)
{
	binding_count = 0;
	region_count = 0;
}

void pv_reset(struct vm *vm)
{
	/* Their events stay theirs. */
	for (uint32_t i = 0; i < binding_count; i++)
		bindings[i].vector = 0;
	while (region_count > 0) {
		region_count--;
		hv_unmap(vm->handle, gpa(mapped[region_count].where),
			 mapped[region_count].region.size);
	}
}
