/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file platform.h
 * What the VMM asks of the system that it runs on. platform/hypike implements it over HyPike's
 * system calls, the unit tests over a simulated clock; nothing else in the VMM knows the platform.
 */
#ifndef VMM_PLATFORM_H
#define VMM_PLATFORM_H

#include <hypike/hv.h>
#include <hypike/pv.h>

#define PLATFORM_FOREVER UINT64_MAX

/* ------------------------------------------------------------------------------------- time */

/** Nanoseconds since some fixed moment; never goes back. Cheap: no system call. */
uint64_t platform_time(void);
/** The time-stamp counter that hv_x86_regs.tsc_offset is the distance from: the host's. */
uint64_t platform_tsc(void);
/** Seconds since 1970-01-01 00:00 UTC at the moment where platform_time() was 0; 0: not known. */
uint64_t platform_epoch(void);

/* ------------------------------------------------------------------------------------- locks */

/** A mutex: 0 free, 1 taken, 2 taken and waited for. Zero-initialised is free. */
struct platform_mutex {
	uint32_t state;
};

/** Sleep until the mutex is ours. Only for platform_mutex_lock(). */
void platform_mutex_lock_slow(struct platform_mutex *mutex);
/** Wake a thread that sleeps on the (already free) mutex. Only for platform_mutex_unlock(). */
void platform_mutex_wake(struct platform_mutex *mutex);

static inline void platform_mutex_lock(struct platform_mutex *mutex)
{
	uint32_t expected = 0;

	if (__builtin_expect(!__atomic_compare_exchange_n(&mutex->state, &expected, 1, false,
							  __ATOMIC_ACQUIRE, __ATOMIC_RELAXED),
			     0))
		platform_mutex_lock_slow(mutex);
}

static inline void platform_mutex_unlock(struct platform_mutex *mutex)
{
	if (__builtin_expect(__atomic_exchange_n(&mutex->state, 0, __ATOMIC_RELEASE) == 2, 0))
		platform_mutex_wake(mutex);
}

/* ----------------------------------------------------------------------------------- threads */

/**
 * Start the thread of vCPU `index`, below the calling thread's priority, on a CPU of the partition's
 * own choice. It ends when `entry` returns.
 */
hv_status_t platform_vcpu_thread(unsigned int index, void (*entry)(void *arg), void *arg);

/* ------------------------------------------------------------------------ the event thread's wait */

/** Bits that platform_wait() returns; those below are doorbells (hv_doorbell.signal). */
#define PLATFORM_EVENT_CONSOLE (UINT64_C(1) << 63) /**< console input is there */
#define PLATFORM_EVENT_WAKE    (UINT64_C(1) << 62) /**< platform_wake() was called */
#define PLATFORM_EVENT_DEBUG   (UINT64_C(1) << 61) /**< a debugger has sent something */
#define PLATFORM_SIGNALS       61u

/** Make the calling thread the one that waits for events: of the console and of `vm`'s doorbells. */
hv_status_t platform_events_bind(hv_vm_t vm);
/** Sleep until an event or until `deadline` (platform_time() scale). @return the events, 0: time. */
uint64_t platform_wait(uint64_t deadline);
/** Make the event thread's wait return, also the next one. From any thread. */
void platform_wake(void);

/* ----------------------------------------------------------------------------------- console */

void platform_console_write(const void *text, size_t size);
/** Take console input that is there; never waits. @return bytes. */
size_t platform_console_read(void *text, size_t size);

/* ---------------------------------------------------------------------------- debugger's channel */

/** Send to the debugger; lost where there is none. */
void platform_debug_write(const void *bytes, size_t size);
/** Take what it has sent; never waits. @return bytes. */
size_t platform_debug_read(void *bytes, size_t size);

/* ------------------------------------------------------------------------- files, memory, process */

struct platform_file {
	const void *data;
	uint64_t size;
};

/** Find a file of the VM's by name. @return false where there is none. */
bool platform_file(const char *name, struct platform_file *file);

/** A disk whose bytes come and go by calls: one that isn't a platform_file(). Sectors have 512 bytes. */
struct platform_disk {
	uint64_t size; /**< in bytes; the last sector is filled up with zeros */
	uint32_t number;
	bool writable;
	bool later;	/**< flushes are done later: platform_disk_bind() */
	const char *id; /**< what the guest reads as its serial number */
};

/** What became of a flush. */
enum platform_flush { PLATFORM_FLUSH_FAILED, PLATFORM_FLUSH_DONE, PLATFORM_FLUSH_LATER };

/** Find a disk of the VM's by name. @return false where there is none. */
bool platform_disk(const char *name, struct platform_disk *disk);
/** Read whole sectors. @return false where that failed. */
bool platform_disk_read(const struct platform_disk *disk, uint64_t where, void *to, size_t size);
bool platform_disk_write(const struct platform_disk *disk, uint64_t where, const void *from,
			 size_t size);
/** What was written is to stay, whatever happens from now on. */
enum platform_flush platform_disk_flush(const struct platform_disk *disk);
/** Of a disk whose flushes are done later: set event `signal` (below PLATFORM_SIGNALS) of platform_wait() when the
 *  last one is, or will never be. */
hv_status_t platform_disk_bind(const struct platform_disk *disk, uint8_t signal);
/** What became of the last flush. */
enum platform_flush platform_disk_flushed(const struct platform_disk *disk);

/** Memory for the guest, 2 MiB aligned, once. @return NULL where there isn't that much. */
void *platform_guest_memory(uint64_t size);
/** More of that memory, for the VMM, after the guest's: page-aligned, with anything in it, for good.
 *  @return NULL where there isn't that much left. */
void *platform_memory(uint64_t size);
/** Guest memory that there is. */
uint64_t platform_guest_memory_limit(void);
/** Memory that the partition shares with others. */
struct platform_region {
	void *data;
	uint64_t size;
	uint32_t number;
};

/** Find a shared region by name; it can be written to. @return false where there is none. */
bool platform_region(const char *name, struct platform_region *region);
/** Set event `signal` (below PLATFORM_SIGNALS) of platform_wait() when another partition notifies. */
hv_status_t platform_region_bind(const struct platform_region *region, uint8_t signal);
/** Notify the other partitions that have the region. */
void platform_region_notify(const struct platform_region *region);
/* ------------------------------------------------------------------------------------- ports */

/** A port of the partition by name (padded with NUL); pv.h tells what is in the structures. */
hv_status_t platform_port_open(const char name[PV_NAME_SIZE], struct pv_port_info *info);
hv_status_t platform_port_status(uint32_t port, struct pv_port_status *status);
/** Set event `signal` (below PLATFORM_SIGNALS) of platform_wait() when a message comes or is taken. */
hv_status_t platform_port_bind(uint32_t port, uint8_t signal);
hv_status_t platform_sampling_write(uint32_t port, const void *message, uint64_t size);
hv_status_t platform_sampling_read(uint32_t port, void *message, uint64_t room,
				   struct pv_sample *sample);
/** Never waits: HV_E_FULL. */
hv_status_t platform_queuing_send(uint32_t port, const void *message, uint64_t size);
/** Never waits: HV_E_STATE. @return the message's size, or a negative status */
int64_t platform_queuing_receive(uint32_t port, void *message, uint64_t room);
hv_status_t platform_queuing_clear(uint32_t port);

/** The command line: options as in options.h. */
const char *platform_args(void);

#endif
