/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file sys.h
 * What a ring-3 program gets from HyPike's kernel: the information page that it starts with, and the
 * system calls for threads, time, waiting and the console. A VMM is such a program; it has hv.h as
 * well. libhypike (lib/hypike) implements these functions over the SYSCALL instruction.
 */
#ifndef HYPIKE_SYS_H
#define HYPIKE_SYS_H

#include <hypike/types.h>

#define HYPIKE_INFO_MAGIC   UINT64_C(0x656b6950794868ab)
#define HYPIKE_MAX_FILES    32u
#define HYPIKE_NAME_MAX	    32u
#define HYPIKE_PRIORITIES   64u	 /**< 0 lowest, 63 highest */
#define HYPIKE_TASK_THREADS 32u	 /**< threads of one partition program at the most */
#define HYPIKE_FOREVER	    UINT64_MAX
#define HYPIKE_SLICE_MIN    UINT64_C(100000)	 /**< ns */
#define HYPIKE_SLICE_MAX    UINT64_C(1000000000) /**< ns */

/** A file of the system image that belongs to the partition, mapped read-only. */
struct hypike_file {
	const char *name;
	const void *data;
	uint64_t size;
};

/** Why the program was started (ARINC 653: START_CONDITION). */
enum hypike_start {
	HYPIKE_START_NORMAL = 0,  /**< at boot, or by a partition that controls this one */
	HYPIKE_START_SELF = 1,	  /**< it asked for it */
	HYPIKE_START_HEALTH = 2,  /**< the health monitor restarted the partition */
	HYPIKE_START_MODULE = 3,  /**< the health monitor restarted the machine */
};

/** Read-only page that a program's entry gets in its first argument (RDI). Addresses are the program's. */
struct hypike_info {
	uint64_t magic;
	uint32_t version; /**< 1 */
	uint32_t cpu_count;
	uint64_t cpu_mask; /**< CPUs that the partition's threads may be bound to */
	uint64_t tsc_khz;
	uint64_t tsc_boot; /**< TSC value at which hypike_time() is 0 */
	char partition[HYPIKE_NAME_MAX];
	const char *args; /**< the partition's argument string */
	void *ram;	  /**< the partition's memory (a VM's guest memory comes out of it): 2 MiB aligned */
	uint64_t ram_size;
	uint32_t file_count;
	uint32_t priority; /**< of the first thread */
	uint32_t index;	   /**< of the partition */
	uint32_t rights;   /**< flags of its configuration: SYSTEM_PARTITION_MAY_... */
	uint32_t start;	   /**< enum hypike_start */
	uint32_t warm;	   /**< 1: a warm restart, its RAM is as it was */
	uint32_t restarts; /**< since boot */
	uint32_t partition_count;
	uint64_t hidden; /**< TSC ticks that are to count for nothing (SYSTEM_PARTITION_HIDE_STOLEN); grows
			      while the program is away. hypike_time() leaves them out */
	uint64_t watchdog; /**< ns of its own time within which it has to say hypike_alive(); 0: none */
	struct hypike_file file[HYPIKE_MAX_FILES];
};

/** System call numbers: RAX; arguments RDI, RSI, RDX, R10, R8, R9; result in RAX. */
enum hypike_syscall {
	SYS_EXIT,	     /* status */
	SYS_THREAD_CREATE,   /* entry, argument, stack top, priority, cpu */
	SYS_THREAD_EXIT,
	SYS_THREAD_PRIORITY, /* thread, priority */
	SYS_YIELD,
	SYS_FUTEX_WAIT,	     /* address, expected, deadline */
	SYS_FUTEX_WAKE,	     /* address, count */
	SYS_NOTIFY,	     /* thread, bits */
	SYS_WAIT,	     /* mask, deadline, address of result */
	SYS_CHANNEL_WRITE,   /* enum hypike_channel, address, size */
	SYS_CHANNEL_READ,    /* enum hypike_channel, address, size */
	SYS_CHANNEL_BIND,    /* enum hypike_channel, thread, bits */
	SYS_SHUTDOWN,	     /* status: ends the machine, if the configuration allows it */
	SYS_THREAD_STOP,     /* thread */
	SYS_THREAD_SUSPEND,  /* thread */
	SYS_THREAD_RESUME,   /* thread */
	SYS_PLAN_STATUS,     /* address of struct hypike_plan_status */
	SYS_PLAN_SET,	     /* plan */
	SYS_PARTITION_STATUS, /* partition, address of struct hypike_partition_status */
	SYS_PARTITION_CONTROL, /* partition, enum hypike_control */
	SYS_PORT_OPEN,	     /* address of name, address of struct hypike_port_info */
	SYS_PORT_STATUS,     /* port, address of struct hypike_port_status */
	SYS_PORT_BIND,	     /* port, thread, bits */
	SYS_SAMPLING_WRITE,  /* port, address, size */
	SYS_SAMPLING_READ,   /* port, address, size, address of struct hypike_sample */
	SYS_QUEUING_SEND,    /* port, address, size, deadline, discipline */
	SYS_QUEUING_RECEIVE, /* port, address, size, deadline, discipline */
	SYS_QUEUING_CLEAR,   /* port */
	SYS_SHARED_OPEN,     /* address of name, address of struct hypike_shared */
	SYS_SHARED_NOTIFY,   /* region */
	SYS_SHARED_BIND,     /* region, thread, bits */
	SYS_HEALTH_RAISE,    /* enum system_error, address of message, size */
	SYS_HEALTH_BIND,     /* thread, bits */
	SYS_HEALTH_TAKE,     /* address of struct hypike_fault */
	SYS_HEALTH_LOG,	     /* number of entry, address of struct hypike_health_entry */
	SYS_ALIVE,
	SYS_TRACE,	     /* value */
	SYS_TRACE_READ,	     /* cpu, address of position, address, size */
	SYS_DEVICE_OPEN,     /* number, address of struct hypike_device */
	SYS_IRQ_BIND,	     /* number, thread, bits */
	SYS_IRQ_DONE,	     /* number */
	SYS_THREAD_SLICE,    /* thread, ns */
	SYS_HV_FIRST = 64,   /* hv.h and hv_x86.h, in the order of their declaration: see SYS_HV_* */
	SYS_HV_QUERY = SYS_HV_FIRST,
	SYS_HV_VM_CREATE,
	SYS_HV_VM_DESTROY,
	SYS_HV_VCPU_CREATE,
	SYS_HV_MAP,
	SYS_HV_UNMAP,
	SYS_HV_PROTECT,
	SYS_HV_READ,
	SYS_HV_WRITE,
	SYS_HV_TRANSLATE,
	SYS_HV_VCPU_RUN,
	SYS_HV_VCPU_KICK,
	SYS_HV_VCPU_GET,
	SYS_HV_VCPU_RESET,
	SYS_HV_MSI,
	SYS_HV_TRAP_EOI,
	SYS_HV_TRAP_PORTS,
	SYS_HV_TRAP_SYSREG,
	SYS_HV_TRAP,
	SYS_HV_TRAP_EXCEPTIONS,
	SYS_HV_DOORBELL_ADD,
	SYS_HV_DOORBELL_REMOVE,
	SYS_HV_VCPU_STATS,
	SYS_HV_X86_CPUID_GET,
	SYS_HV_X86_CPUID_SET,
	SYS_HV_X86_APIC_GET,
	SYS_HV_X86_APIC_SET,
	SYS_HV_X86_DEBUG_SET,
	SYS_HV_X86_FPU_GET,
	SYS_HV_X86_FPU_SET,
	SYS_HV_SIGNAL_BIND,  /* vm, thread: its notification word is the VM's signal word */
	SYS_COUNT
};

typedef uint32_t hypike_thread_t; /**< index in the task; the first thread is 0 */

/** The page that the program was started with. */
const struct hypike_info *hypike_info(void);
/** Nanoseconds since boot; no system call. */
uint64_t hypike_time(void);
/** End the partition's program; the status is reported. */
_Noreturn void hypike_exit(int status);
/** Start a thread on `cpu` (a CPU of the partition) with the given stack and priority. */
hv_status_t hypike_thread_create(void (*entry)(void *), void *arg, void *stack, size_t stack_size,
				 uint32_t priority, uint32_t cpu, hypike_thread_t *thread);
_Noreturn void hypike_thread_exit(void);
hv_status_t hypike_thread_priority(hypike_thread_t thread, uint32_t priority);
/** Let a thread take turns with others of its CPU and priority: after `ns` of running it goes behind them
 *  (HYPIKE_SLICE_MIN to _MAX); 0, as at the start: it runs on until it waits. */
hv_status_t hypike_thread_slice(hypike_thread_t thread, uint64_t ns);
void hypike_yield(void);
/** Sleep while *address == expected, until woken or `deadline` (hypike_time() scale): HV_E_TIMEOUT. */
hv_status_t hypike_futex_wait(const uint32_t *address, uint32_t expected, uint64_t deadline);
/** Wake up to `count` threads that sleep on `address`, highest priority first. */
hv_status_t hypike_futex_wake(const uint32_t *address, uint32_t count);
/** Set bits in a thread's notification word and wake it. */
hv_status_t hypike_notify(hypike_thread_t thread, uint64_t bits);
/** Wait until a bit of `mask` is set in the calling thread's notification word; take those bits. */
hv_status_t hypike_wait(uint64_t mask, uint64_t deadline, uint64_t *bits);

/** Byte streams of a partition on the machine's serial line (<hypike/wire.h>). */
enum hypike_channel {
	HYPIKE_CHANNEL_CONSOLE,
	HYPIKE_CHANNEL_DEBUG, /**< of its VM's debugger (`hypike boot --gdb`) */
	HYPIKE_CHANNEL_LINK,  /**< to the command (<hypike/link.h>; right: SYSTEM_PARTITION_LINK) */
	HYPIKE_CHANNELS
};

/**
 * Write to a channel; waits for room. Without the kernel's option `console=mux` only the console leads anywhere.
 * @return HV_E_NOENT: there is no such channel, HV_E_DENIED: the configuration grants the caller none
 */
hv_status_t hypike_channel_write(enum hypike_channel channel, const void *bytes, size_t size);
/** Take up to `size` bytes of input; never waits. What has no room (2048 bytes) when it comes is lost.
 *  @return bytes, or a negative status. */
int64_t hypike_channel_read(enum hypike_channel channel, void *bytes, size_t size);
/** Notify `thread` with `bits` when input arrives. */
hv_status_t hypike_channel_bind(enum hypike_channel channel, hypike_thread_t thread, uint64_t bits);
/** Write to the partition's console. */
hv_status_t hypike_console_write(const void *text, size_t size);
/** Take up to `size` bytes of console input; never waits. @return bytes, or a negative status. */
int64_t hypike_console_read(void *text, size_t size);
/** Notify `thread` with `bits` when console input arrives. */
hv_status_t hypike_console_bind(hypike_thread_t thread, uint64_t bits);
/** End the whole machine with an exit status; only a partition with that right. */
hv_status_t hypike_shutdown(int status);

/* ------------------------------------------------------------------- threads of the partition */

/** End another thread of the partition, wherever it is. */
hv_status_t hypike_thread_stop(hypike_thread_t thread);
/** A suspended thread doesn't run, whatever it waits for, until it is resumed. */
hv_status_t hypike_thread_suspend(hypike_thread_t thread);
hv_status_t hypike_thread_resume(hypike_thread_t thread);

/* ---------------------------------------------------------------------------- time, partitions */

struct hypike_plan_status {
	uint32_t plan, next;	/**< indices; the same unless a switch is waiting */
	uint32_t plan_count;	/**< 0: there are none */
	uint32_t cpu_mask_low;	/**< CPUs that have windows */
	uint64_t frame;		/**< length of the major frame, ns */
	uint64_t frame_start;	/**< of the present one, on the hypike_time() scale */
	uint64_t last_switch;	/**< when the plan began, the same scale */
	uint64_t release;	/**< the caller's next release window (SYSTEM_WINDOW_RELEASE), or
				     HYPIKE_FOREVER */
	uint64_t period;	/**< between its release windows; 0: not periodic */
	uint64_t duration;	/**< of its windows in a period, together */
	char name[HYPIKE_NAME_MAX];
};

hv_status_t hypike_plan_status(struct hypike_plan_status *status);
/** Switch plans at the end of the major frame (right: SYSTEM_PARTITION_MAY_PLAN). */
hv_status_t hypike_plan_set(uint32_t plan);

enum hypike_state { HYPIKE_IDLE, HYPIKE_RUNNING, HYPIKE_STOPPING, HYPIKE_RESTARTING };

struct hypike_partition_status {
	char name[HYPIKE_NAME_MAX];
	uint32_t state; /**< enum hypike_state */
	uint32_t restarts;
	int32_t status; /**< of its last end */
	uint32_t flags; /**< of its configuration */
};

enum hypike_control { HYPIKE_STOP = 1, HYPIKE_RESTART_WARM, HYPIKE_RESTART_COLD };

/** State of a partition: of its own, or with SYSTEM_PARTITION_MAY_CONTROL of any. */
hv_status_t hypike_partition_status(uint32_t partition, struct hypike_partition_status *status);
/** Stop or (re)start itself, or with SYSTEM_PARTITION_MAY_CONTROL any. Itself: doesn't return. */
hv_status_t hypike_partition_control(uint32_t partition, enum hypike_control what);

/* --------------------------------------------------------------------------------------- ports */

typedef uint32_t hypike_port_t;

struct hypike_port_info {
	uint32_t port;
	uint32_t kind;	    /**< enum system_channel_kind */
	uint32_t direction; /**< enum system_port_direction */
	uint32_t max_message;
	uint32_t depth; /**< queuing: messages that fit (a source: the least of its destinations) */
	uint32_t reserved;
	uint64_t refresh; /**< sampling destination, ns */
};

struct hypike_port_status {
	uint32_t messages; /**< queuing: in the queue; sampling: 1 once there was one */
	uint32_t waiting;  /**< threads that wait */
	uint32_t valid;	   /**< sampling destination: the last message read was valid */
	uint32_t overflows; /**< queuing: messages refused for want of room */
};

struct hypike_sample {
	uint32_t size;
	uint32_t valid; /**< 1: not older than the refresh period */
	uint64_t age;	/**< ns since it was written */
};

/** In which order waiting threads are served. */
enum hypike_discipline { HYPIKE_FIFO = 0, HYPIKE_PRIORITY = 1 };

hv_status_t hypike_port_open(const char *name, struct hypike_port_info *info);
hv_status_t hypike_port_status(hypike_port_t port, struct hypike_port_status *status);
/** Notify `thread` with `bits` when a message comes (destination) or there is room again (source). */
hv_status_t hypike_port_bind(hypike_port_t port, hypike_thread_t thread, uint64_t bits);
/** Replace the channel's message. */
hv_status_t hypike_sampling_write(hypike_port_t port, const void *message, size_t size);
/** Copy the channel's message. HV_E_STATE: none was written yet; HV_E_RANGE: the buffer is too small. */
hv_status_t hypike_sampling_read(hypike_port_t port, void *message, size_t size,
				 struct hypike_sample *sample);
/** Into all destinations, or none: waits for room until `deadline` (hypike_time() scale; 0: don't).
 *  HV_E_FULL where there is no room at once and it may not wait, HV_E_TIMEOUT. */
hv_status_t hypike_queuing_send(hypike_port_t port, const void *message, size_t size,
				uint64_t deadline, enum hypike_discipline discipline);
/** @return bytes of the oldest message, or a negative status: HV_E_STATE (empty), HV_E_TIMEOUT. */
int64_t hypike_queuing_receive(hypike_port_t port, void *message, size_t size, uint64_t deadline,
			       enum hypike_discipline discipline);
/** Drop all messages of a destination. */
hv_status_t hypike_queuing_clear(hypike_port_t port);

/* ------------------------------------------------------------------------------- shared memory */

struct hypike_shared {
	void *data;
	uint64_t size;
	uint32_t region; /**< for the other calls */
	uint32_t writable;
};

hv_status_t hypike_shared_open(const char *name, struct hypike_shared *shared);
/** Notify the threads that other partitions have bound to the region. */
hv_status_t hypike_shared_notify(uint32_t region);
hv_status_t hypike_shared_bind(uint32_t region, hypike_thread_t thread, uint64_t bits);

/* -------------------------------------------------------------------------------------- health */

#define HYPIKE_MESSAGE_MAX 128u

/** A fault of the partition that its error handler gets (SYSTEM_ACTION_NOTIFY). */
struct hypike_fault {
	uint32_t error;	 /**< enum system_error */
	uint32_t thread; /**< that it happened in; suspended, unless it reported the error itself */
	uint64_t address;
	uint64_t time;
	uint32_t size; /**< of the message */
	uint32_t reserved;
	char message[HYPIKE_MESSAGE_MAX];
};

/** An entry of the health monitor's log. */
struct hypike_health_entry {
	uint64_t number; /**< since the log was made; goes on over warm reboots */
	uint64_t time;	 /**< ns since the boot in which it happened */
	uint32_t boot;	 /**< number of that boot */
	uint32_t error, action;
	uint32_t partition; /**< or UINT32_MAX: the module */
	uint32_t thread;
	uint32_t cpu;
	uint64_t address, detail;
	char name[HYPIKE_NAME_MAX]; /**< of the partition */
	char message[64];
};

/** Report an error of this partition to the health monitor. */
hv_status_t hypike_health_raise(uint32_t error, const void *message, size_t size);
/** Make `thread` the error handler: it is notified with `bits` when there is a fault to take. */
hv_status_t hypike_health_bind(hypike_thread_t thread, uint64_t bits);
/** Take the oldest fault. HV_E_STATE: there is none. */
hv_status_t hypike_health_take(struct hypike_fault *fault);
/** Read the oldest entry of the log whose number is at least `number` (right: MAY_CONTROL).
 *  HV_E_RANGE: there is none. */
hv_status_t hypike_health_log(uint64_t number, struct hypike_health_entry *entry);
/** A sign of life, for the watchdog of the configuration. */
void hypike_alive(void);

/* --------------------------------------------------------------------------------------- trace */

/** Put a value of the program's into the trace. */
void hypike_trace(uint64_t value);
/** Copy records (trace.h) of a CPU's ring from *position on, which is moved; right: MAY_CONTROL.
 *  @return records copied, or a negative status. Records lost show as a jump of *position. */
int64_t hypike_trace_read(uint32_t cpu, uint64_t *position, void *records, size_t size);

/* ------------------------------------------------------------------------------------- devices */

struct hypike_device {
	uint32_t kind; /**< enum system_device_kind */
	uint32_t reserved;
	uint64_t base, size; /**< of the hardware */
	void *data;	     /**< device memory: where the program sees it */
};

/** Devices of the partition, by number from 0; HV_E_RANGE behind the last. Ports need no call. */
hv_status_t hypike_device_open(uint32_t number, struct hypike_device *device);
/** Notify `thread` with `bits` at each interrupt of device `number`; it is masked until _done(). */
hv_status_t hypike_irq_bind(uint32_t number, hypike_thread_t thread, uint64_t bits);
hv_status_t hypike_irq_done(uint32_t number);

/** Doorbells of `vm` ring in the notification word of `thread`, bit = the doorbell's signal. */
hv_status_t hypike_signal_bind(uint32_t vm, hypike_thread_t thread);

#endif
