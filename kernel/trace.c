/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/trace.h"

#include "kernel/address.h"
#include "kernel/end.h"
#include "kernel/memory.h"
#include "lib/string.h"

#define DEFAULT_RECORDS 4096u

/* Behind `records`, which trace() looks at first, all the rest must be there. */
static void make_ring(struct cpu *cpu, uint32_t records)
{
	uint64_t size = page_up(records * sizeof(struct trace_record));
	uint64_t phys = memory_alloc(size, HV_PAGE_SIZE);
	struct trace_record *ring = phys_to_virt(phys);

	if (phys == 0)
		end_refuse("too little memory for %u trace records of CPU %u", records, cpu->index);
	memset(ring, 0, size);
	ring[0] = (struct trace_record){
		.tsc = x86_rdtsc(),
		.event = TRACE_BOOT,
		.partition = TRACE_NO_PARTITION,
		.a = cpu->apic_id,
	};
	cpu->trace.mask = records - 1;
	cpu->trace.next = 1;
	__atomic_store_n(&cpu->trace.records, ring, __ATOMIC_RELEASE);
}

/* Record n may be half overwritten from the moment on at which n + mask + 1 is the next. */
static uint64_t oldest(const struct trace_ring *ring, uint64_t next)
{
	return next > ring->mask ? next - ring->mask : 0;
}

#define TRIES 4u /* a writer that is faster than its reader must not hold it */

bool trace_take(const struct trace_ring *ring, uint64_t *position, struct trace_record *record)
{
	uint64_t next = __atomic_load_n(&ring->next, __ATOMIC_ACQUIRE);

	for (unsigned int i = 0; i < TRIES; i++) {
		if (*position < oldest(ring, next))
			*position = oldest(ring, next);
		if (*position >= next)
			return false;
		*record = *(volatile const struct trace_record *)&ring
				   ->records[*position & ring->mask];
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		next = __atomic_load_n(&ring->next, __ATOMIC_ACQUIRE);
		if (*position >= oldest(ring, next)) {
			(*position)++;
			return true;
		}
	}
	return false;
}

void trace_init(const struct system_image *image)
{
	uint32_t records = image->trace_count != 0 ? image->trace->records : DEFAULT_RECORDS;

	for (unsigned int i = 0; i < cpu_count; i++)
		make_ring(&cpus[i], records);
}
