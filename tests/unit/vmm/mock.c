/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/vmm/mock.h"
#include "tests/unit/vmm/mock_port.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

uint64_t mock_now;
char mock_console[65536];
size_t mock_console_length;
const char *mock_keys;
uint64_t mock_memory_limit;
void *mock_region;
uint64_t mock_region_size;
unsigned int mock_region_notified;
int mock_region_signal;

mock_guest_t mock_guest;
hv_status_t (*mock_translate)(uint64_t from, uint32_t access, uint64_t *to, uint32_t *fault);
unsigned int mock_fail_at;
struct mock_map mock_maps[MOCK_MAPS];
unsigned int mock_map_count;
unsigned int mock_kicks;
struct hv_doorbell mock_bell;
struct mock_msi mock_msis[64];
unsigned int mock_msi_count;
uint32_t mock_eoi_traps[8];
uint8_t mock_fpu[576];
uint32_t mock_exceptions;
struct hv_x86_debug mock_debug[HV_MAX_VCPUS];
char mock_debug_in[8192], mock_debug_out[65536];
size_t mock_debug_in_length, mock_debug_out_length;
static size_t debug_taken;
uint32_t mock_fpu_size;

static struct {
	char name[64];
	struct platform_file file;
} files[8];
static unsigned int file_count;

static void *guest_memory;
static uint64_t guest_size;
static void *more[8];
static unsigned int more_count;
static uint64_t more_size;
static unsigned int calls;

/* One lock for events and waiting vCPUs. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t change = PTHREAD_COND_INITIALIZER;
static uint64_t events;
static unsigned int threads_alive, threads_waiting;
static bool kicked[HV_MAX_VCPUS], waiting[HV_MAX_VCPUS];
static pthread_t threads[HV_MAX_VCPUS];
static unsigned int thread_count;

static struct hv_vcpu_page *pages[HV_MAX_VCPUS];
static unsigned int steps[HV_MAX_VCPUS];

/** @return the failure that the test wants of this call. */
static hv_status_t call(void)
{
	return ++calls == mock_fail_at ? HV_E_NOMEM : HV_OK;
}

void mock_reset(void)
{
	mock_port_reset();
	for (unsigned int i = 0; i < thread_count; i++)
		pthread_join(threads[i], NULL);
	for (unsigned int i = 0; i < HV_MAX_VCPUS; i++) {
		free(pages[i]);
		pages[i] = NULL;
	}
	if (guest_memory)
		munmap(guest_memory, guest_size);
	guest_memory = NULL;
	while (more_count > 0)
		free(more[--more_count]);
	more_size = 0;
	memset(steps, 0, sizeof(steps));
	memset(kicked, 0, sizeof(kicked));
	memset(waiting, 0, sizeof(waiting));
	memset(mock_fpu, 0, sizeof(mock_fpu));
	mock_now = UINT64_C(5000000000);
	mock_console_length = 0;
	mock_console[0] = '\0';
	mock_keys = NULL;
	mock_region = NULL;
	mock_region_notified = 0;
	mock_region_signal = -1;
	mock_memory_limit = UINT64_C(64) << 20;
	mock_guest = NULL;
	mock_translate = NULL;
	mock_fail_at = calls = 0;
	mock_msi_count = 0;
	mock_exceptions = 0;
	memset(mock_debug, 0, sizeof(mock_debug));
	mock_debug_in_length = mock_debug_out_length = debug_taken = 0;
	mock_debug_out[0] = '\0';
	memset(mock_eoi_traps, 0, sizeof(mock_eoi_traps));
	memset(&mock_bell, 0, sizeof(mock_bell));
	mock_map_count = mock_kicks = file_count = thread_count = 0;
	mock_fpu_size = sizeof(mock_fpu);
	events = threads_alive = threads_waiting = 0;
}

/* -------------------------------------------------------------------------------------- platform */

uint64_t platform_time(void)
{
	return __atomic_load_n(&mock_now, __ATOMIC_RELAXED);
}

uint64_t platform_tsc(void)
{
	uint32_t low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
	return (uint64_t)high << 32 | low;
}

uint64_t platform_epoch(void)
{
	return 0;
}

void platform_mutex_lock_slow(struct platform_mutex *mutex)
{
	while (__atomic_exchange_n(&mutex->state, 2, __ATOMIC_ACQUIRE) != 0)
		sched_yield();
}

void platform_mutex_wake(struct platform_mutex *mutex)
{
	(void)mutex;
}

struct start {
	void (*entry)(void *arg);
	void *arg;
};

static void *thread_main(void *arg)
{
	struct start start = *(struct start *)arg;

	free(arg);
	start.entry(start.arg);
	pthread_mutex_lock(&lock);
	threads_alive--;
	pthread_cond_broadcast(&change);
	pthread_mutex_unlock(&lock);
	return NULL;
}

hv_status_t platform_vcpu_thread(unsigned int index, void (*entry)(void *arg), void *arg)
{
	struct start *start = malloc(sizeof(*start));

	(void)index;
	*start = (struct start){entry, arg};
	pthread_mutex_lock(&lock);
	threads_alive++;
	pthread_mutex_unlock(&lock);
	if (pthread_create(&threads[thread_count], NULL, thread_main, start) != 0)
		abort();
	thread_count++;
	return HV_OK;
}

hv_status_t platform_events_bind(hv_vm_t vm)
{
	(void)vm;
	return HV_OK;
}

uint64_t platform_wait(uint64_t deadline)
{
	uint64_t bits;

	pthread_mutex_lock(&lock);
	while (events == 0 && threads_alive > 0 &&
	       (threads_waiting < threads_alive || deadline == PLATFORM_FOREVER))
		pthread_cond_wait(&change, &lock);
	bits = events;
	events = 0;
	if (bits == 0 && deadline != PLATFORM_FOREVER && deadline > mock_now)
		__atomic_store_n(&mock_now, deadline, __ATOMIC_RELAXED);
	pthread_mutex_unlock(&lock);
	return bits;
}

void platform_wake(void)
{
	pthread_mutex_lock(&lock);
	events |= PLATFORM_EVENT_WAKE;
	pthread_cond_broadcast(&change);
	pthread_mutex_unlock(&lock);
}

void mock_ring(void)
{
	pthread_mutex_lock(&lock);
	events |= UINT64_C(1) << mock_bell.signal;
	pthread_cond_broadcast(&change);
	pthread_mutex_unlock(&lock);
}

void platform_console_write(const void *text, size_t size)
{
	size_t room = sizeof(mock_console) - 1 - mock_console_length;
	size_t n = size < room ? size : room;

	memcpy(mock_console + mock_console_length, text, n);
	mock_console_length += n;
	mock_console[mock_console_length] = '\0';
}

size_t platform_console_read(void *text, size_t size)
{
	size_t n = mock_keys ? strnlen(mock_keys, size) : 0;

	memcpy(text, mock_keys ? mock_keys : "", n);
	if (mock_keys)
		mock_keys += n;
	return n;
}

void mock_debug_send(const void *bytes, size_t size)
{
	pthread_mutex_lock(&lock);
	memcpy(mock_debug_in + mock_debug_in_length, bytes, size);
	mock_debug_in_length += size;
	events |= PLATFORM_EVENT_DEBUG;
	pthread_cond_broadcast(&change);
	pthread_mutex_unlock(&lock);
}

size_t platform_debug_read(void *bytes, size_t size)
{
	pthread_mutex_lock(&lock);
	const size_t left = mock_debug_in_length - debug_taken;
	const size_t n = size < left ? size : left;

	memcpy(bytes, mock_debug_in + debug_taken, n);
	debug_taken += n;
	if (debug_taken == mock_debug_in_length)
		debug_taken = mock_debug_in_length = 0;
	pthread_mutex_unlock(&lock);
	return n;
}

void platform_debug_write(const void *bytes, size_t size)
{
	pthread_mutex_lock(&lock);
	const size_t room = sizeof(mock_debug_out) - 1 - mock_debug_out_length;
	const size_t n = size < room ? size : room;

	memcpy(mock_debug_out + mock_debug_out_length, bytes, n);
	mock_debug_out_length += n;
	mock_debug_out[mock_debug_out_length] = '\0';
	pthread_cond_broadcast(&change);
	pthread_mutex_unlock(&lock);
}

void mock_file(const char *name, const void *data, uint64_t size)
{
	strcpy(files[file_count].name, name);
	files[file_count++].file = (struct platform_file){data, size};
}

bool platform_file(const char *name, struct platform_file *file)
{
	for (unsigned int i = 0; i < file_count; i++) {
		if (strcmp(files[i].name, name) == 0) {
			*file = files[i].file;
			return true;
		}
	}
	return false;
}

/** Never touched memory costs nothing, so that a VM may be large. */
void *platform_guest_memory(uint64_t size)
{
	if (size > mock_memory_limit)
		return NULL;
	if (guest_memory)
		munmap(guest_memory, guest_size);
	guest_size = size;
	guest_memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	return guest_memory;
}

/** In a place of its own, so that ASan sees its end. */
void *platform_memory(uint64_t size)
{
	if (guest_size + more_size + size > mock_memory_limit || more_count == sizeof(more) / sizeof(more[0]))
		return NULL;
	more_size += size;
	more[more_count] = malloc(size);
	return more[more_count++];
}

uint64_t platform_guest_memory_limit(void)
{
	return mock_memory_limit;
}

bool platform_region(const char *name, struct platform_region *region)
{
	*region = (struct platform_region){mock_region, mock_region_size, 3};
	return mock_region && strcmp(name, "region") == 0;
}

hv_status_t platform_region_bind(const struct platform_region *region, uint8_t signal)
{
	(void)region;
	mock_region_signal = signal;
	return call();
}

void platform_region_notify(const struct platform_region *region)
{
	(void)region;
	mock_region_notified++;
}

/* ------------------------------------------------------------------------------------ hypervisor */

hv_status_t hv_query(struct hv_caps *caps)
{
	*caps = (struct hv_caps){.version = HV_VERSION,
				 .vendor = HV_VENDOR_MODEL,
				 .max_vcpus = 4,
				 .guest_phys_limit = UINT64_C(1) << 40,
				 .tsc_khz = 1000000};
	return call();
}

hv_status_t hv_vm_create(const struct hv_vm_params *params, hv_vm_t *vm)
{
	*vm = 7;
	mock_map_count = 0;
	return params->vcpus == 0 ? HV_E_INVALID : call();
}

hv_status_t hv_vcpu_create(hv_vm_t vm, uint32_t index, hv_vcpu_t *vcpu, struct hv_vcpu_page **page)
{
	hv_status_t status = call();

	(void)vm;
	if (status != HV_OK)
		return status;
	free(pages[index]);
	pages[index] = aligned_alloc(HV_PAGE_SIZE, HV_PAGE_SIZE);
	memset(pages[index], 0, HV_PAGE_SIZE);
	if (index > 0)
		hv_x86_regs(pages[index])->activity = HV_ACTIVITY_WAIT_SIPI;
	*page = pages[index];
	*vcpu = index;
	return HV_OK;
}

hv_status_t hv_map(hv_vm_t vm, gpa_t where, void *host, uint64_t size, uint32_t prot)
{
	(void)vm;
	mock_maps[mock_map_count++] = (struct mock_map){where.raw, size, host, prot};
	return call();
}

hv_status_t hv_protect(hv_vm_t vm, gpa_t where, uint64_t size, uint32_t prot)
{
	(void)vm;
	for (unsigned int i = 0; i < mock_map_count; i++) {
		if (mock_maps[i].where == where.raw && mock_maps[i].size == size)
			mock_maps[i].prot = prot;
	}
	return call();
}

hv_status_t hv_doorbell_add(hv_vm_t vm, const struct hv_doorbell *bell)
{
	(void)vm;
	mock_bell = *bell;
	return call();
}

hv_status_t hv_doorbell_remove(hv_vm_t vm, const struct hv_doorbell *bell)
{
	(void)vm;
	if (memcmp(&mock_bell, bell, sizeof(mock_bell)) != 0)
		return HV_E_INVALID;
	memset(&mock_bell, 0, sizeof(mock_bell));
	return HV_OK;
}

hv_status_t hv_msi(hv_vm_t vm, uint64_t address, uint32_t data)
{
	(void)vm;
	if (mock_msi_count < sizeof(mock_msis) / sizeof(mock_msis[0]))
		mock_msis[mock_msi_count++] = (struct mock_msi){address, data};
	return call();
}

hv_status_t hv_trap_eoi(hv_vm_t vm, uint32_t vector, bool on)
{
	const uint32_t bit = 1u << (vector & 31);

	(void)vm;
	if (on)
		mock_eoi_traps[vector / 32] |= bit;
	else
		mock_eoi_traps[vector / 32] &= ~bit;
	return call();
}

hv_status_t hv_translate(hv_vcpu_t vcpu, gva_t from, uint32_t access, gpa_t *to, uint32_t *fault)
{
	(void)vcpu;
	if (mock_translate)
		return mock_translate(from.raw, access, &to->raw, fault);
	to->raw = from.raw;
	return HV_OK;
}

hv_status_t hv_vcpu_run(hv_vcpu_t vcpu)
{
	struct hv_vcpu_page *page = pages[vcpu];
	hv_status_t status = mock_guest(vcpu, steps[vcpu]++, page);

	/* What the hypervisor has taken. */
	page->inject.kind = HV_EVENT_NONE;
	page->dirty = 0;
	page->action = HV_ACTION_DONE;
	return status;
}

hv_status_t hv_vcpu_kick(hv_vcpu_t vcpu)
{
	pthread_mutex_lock(&lock);
	mock_kicks++;
	if (waiting[vcpu])
		threads_waiting--; /* from now on, not when it gets to run */
	waiting[vcpu] = false;
	kicked[vcpu] = true;
	pthread_cond_broadcast(&change);
	pthread_mutex_unlock(&lock);
	return HV_OK;
}

void mock_halt(uint32_t vcpu, struct hv_vcpu_page *page)
{
	pthread_mutex_lock(&lock);
	if (!kicked[vcpu]) {
		waiting[vcpu] = true;
		threads_waiting++;
	}
	pthread_cond_broadcast(&change);
	while (!kicked[vcpu])
		pthread_cond_wait(&change, &lock);
	kicked[vcpu] = false;
	pthread_mutex_unlock(&lock);
	page->exit.kind = HV_EXIT_KICKED;
	page->halted = 1;
}

hv_status_t hv_vcpu_reset(hv_vcpu_t vcpu)
{
	memset(pages[vcpu]->regs, 0, sizeof(pages[vcpu]->regs));
	return call();
}

hv_status_t hv_vcpu_get(hv_vcpu_t vcpu, uint32_t groups)
{
	pages[vcpu]->valid |= groups;
	return call();
}

hv_status_t hv_trap_exceptions(hv_vm_t vm, uint32_t vectors)
{
	(void)vm;
	mock_exceptions = vectors;
	return HV_OK;
}

hv_status_t hv_x86_debug_set(hv_vcpu_t vcpu, const struct hv_x86_debug *debug)
{
	mock_debug[vcpu] = *debug;
	return HV_OK;
}

hv_status_t hv_trap_ports(hv_vm_t vm, uint32_t first, uint32_t count, enum hv_port_policy policy)
{
	(void)vm;
	(void)policy;
	return first + count > 0x10000 ? HV_E_INVALID : call();
}

hv_status_t hv_trap_sysreg(hv_vm_t vm, uint32_t first, uint32_t count, enum hv_sysreg_policy policy)
{
	(void)vm;
	(void)first;
	(void)policy;
	return count == 0 ? HV_E_INVALID : call();
}

hv_status_t hv_x86_cpuid_get(hv_vm_t vm, struct hv_x86_cpuid *rows, uint32_t *count)
{
	(void)vm;
	rows[0] = (struct hv_x86_cpuid){.leaf = 1};
	rows[1] = (struct hv_x86_cpuid){.leaf = 0x80000000};
	*count = 2;
	return call();
}

hv_status_t hv_x86_cpuid_set(hv_vm_t vm, const struct hv_x86_cpuid *rows, uint32_t count)
{
	(void)vm;
	for (uint32_t i = 1; i < count; i++) {
		if (rows[i].leaf <= rows[i - 1].leaf)
			return HV_E_INVALID;
	}
	return call();
}

hv_status_t hv_vcpu_stats(hv_vcpu_t vcpu, struct hv_stats *stats)
{
	memset(stats, 0, sizeof(*stats));
	stats->handed[HV_EXIT_PORT] = steps[vcpu];
	stats->entries = steps[vcpu];
	stats->table_pages = 5;
	return HV_OK;
}

hv_status_t hv_x86_fpu_get(hv_vcpu_t vcpu, void *area, uint32_t size)
{
	(void)vcpu;
	if (size > mock_fpu_size)
		return HV_E_INVALID;
	memcpy(area, mock_fpu, size);
	return HV_OK;
}

hv_status_t hv_x86_fpu_set(hv_vcpu_t vcpu, const void *area, uint32_t size)
{
	(void)vcpu;
	if (size > mock_fpu_size)
		return HV_E_INVALID;
	memcpy(mock_fpu, area, size);
	return HV_OK;
}
