/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file vmm.h
 * HyPike's VMM as a library for Linux (libhypike-vmm): one virtual machine in the calling process, on
 * /dev/kvm. Say what the VM may have, then run it:
 *
 *     hypike_vmm_file("kernel.elf", "/home/me/kernel.elf");
 *     hypike_vmm_console(STDIN_FILENO, STDOUT_FILENO);
 *     status = hypike_vmm_run("--memory 64M --kernel kernel.elf");
 *
 * The VM has access to nothing else of the host's. Signal SIGUSR1 is the library's.
 */
#ifndef HYPIKE_VMM_H
#define HYPIKE_VMM_H

#include <stdbool.h>
#include <stdint.h>

#define HYPIKE_VMM_API __attribute__((visibility("default")))

/**
 * Give the VM a file, by the name that its options use.
 * @return NULL, or why not
 */
HYPIKE_VMM_API const char *hypike_vmm_file(const char *name, const char *path);
#define HYPIKE_VMM_DISK_WRITE  1u /**< the guest's writes go into the file; nobody else may have it open */
#define HYPIKE_VMM_DISK_DIRECT 2u /**< past Linux's cache (O_DIRECT) */
/**
 * Give the VM a raw file or block device as a disk, by the name that its options use.
 * @param overlay file where writes go, made where there is none; NULL: none
 * @return NULL, or why not
 */
HYPIKE_VMM_API const char *hypike_vmm_disk(const char *name, const char *path, unsigned int flags,
					   const char *overlay);
/*
 * What the VM does with such a disk, for a program that runs the VM elsewhere than by hypike_vmm_run(): whole sectors
 * of 512 bytes. Functions return false where that failed.
 */
/** In bytes; behind it there are zeros up to the last sector's end. */
HYPIKE_VMM_API uint64_t hypike_vmm_disk_size(const char *name);
HYPIKE_VMM_API bool hypike_vmm_disk_read(const char *name, uint64_t where, void *to, uint64_t size);
HYPIKE_VMM_API bool hypike_vmm_disk_write(const char *name, uint64_t where, const void *from, uint64_t size);
/** What was written is in the file, whatever happens. */
HYPIKE_VMM_API bool hypike_vmm_disk_flush(const char *name);
/**
 * Give the VM a network, by the name that its options use: a descriptor that takes and gives an Ethernet frame
 * at a time (TAP, a SOCK_SEQPACKET or datagram socket). It stays open.
 * @return NULL, or why not
 */
HYPIKE_VMM_API const char *hypike_vmm_net(const char *name, int fd);
/** Connect the console: descriptors to read keys from and to write output to; -1: none. */
HYPIKE_VMM_API void hypike_vmm_console(int input, int output);
/** A listening, non-blocking socket at which gdb may connect (`target remote`); -1: none. */
HYPIKE_VMM_API void hypike_vmm_debugger(int listener);
/** What runs the guest's instructions in this build of the library: "kvm", or "model", an interpreter. */
HYPIKE_VMM_API const char *hypike_vmm_name(void);
/** Opens /dev/kvm. @return NULL, or what is missing of it that the VMM needs */
HYPIKE_VMM_API const char *hypike_vmm_unavailable(void);
/**
 * Does it run guests? Runs a few instructions of the kinds that kernels need, for some milliseconds, in a
 * process of its own. @return NULL, or what doesn't work
 */
HYPIKE_VMM_API const char *hypike_vmm_probe(void);
/** What a thread does that works for a VM. */
enum hypike_vmm_thread {
	HYPIKE_VMM_VCPU,
	HYPIKE_VMM_EVENTS,
	HYPIKE_VMM_CONTROL,  /**< answers at a control socket */
	HYPIKE_VMM_CABLE,    /**< carries frames or a console's bytes between descriptors */
	HYPIKE_VMM_INTERNET, /**< is the internet for it */
	HYPIKE_VMM_DISPLAY,  /**< shows its screen to those who connect with a socket that is there */
};
/**
 * From now on the calling thread, and those that it starts, may ask of Linux only what such a thread needs, and have no
 * capabilities; anything else ends the process. The library does so with threads of its own.
 * @return false: this Linux doesn't know how
 */
HYPIKE_VMM_API bool hypike_vmm_confine(enum hypike_vmm_thread thread);
/** The calling thread gives up its capabilities and whatever new ones programs could bring. @return false: it can't */
HYPIKE_VMM_API bool hypike_vmm_drop_privileges(void);
/**
 * Run a VM till its end, once in a process.
 * @param options as in vmm/README.md, "Command line"
 * @return 0 to 127 of the guest's, or one of vmm/README.md's "Exit status"
 */
HYPIKE_VMM_API int hypike_vmm_run(const char *options);

/*
 * Control, from any thread while the VM runs. Functions that may fail return NULL, or why they did.
 */

enum hypike_vmm_state {
	HYPIKE_VMM_STARTING, /**< hypike_vmm_run() has not come so far yet, or failed before */
	HYPIKE_VMM_RUNNING,
	HYPIKE_VMM_PAUSED,
	HYPIKE_VMM_ENDED
};

struct hypike_vmm_info {
	enum hypike_vmm_state state;
	unsigned int vcpus; /**< 0 while it is starting, and `memory` too */
	uint64_t memory;    /**< bytes that the guest has */
};
HYPIKE_VMM_API void hypike_vmm_info(struct hypike_vmm_info *info);

/** Press the power button: what comes of that is the guest's business. */
HYPIKE_VMM_API const char *hypike_vmm_power_button(void);
/** End it as it is, with status 208. */
HYPIKE_VMM_API const char *hypike_vmm_end(void);
/** Boot it anew. */
HYPIKE_VMM_API const char *hypike_vmm_reset(void);
/**
 * Stop all vCPUs, till hypike_vmm_resume(), a reset or the end; paused twice is paused once. The guest's time
 * stands still meanwhile: its devices' timers and clocks, and where KVM knows the TSC offset (Linux 5.16), its time
 * stamp counters. What it reads of the time of day lags behind from then on.
 */
HYPIKE_VMM_API const char *hypike_vmm_pause(void);
HYPIKE_VMM_API const char *hypike_vmm_resume(void);

#define HYPIKE_VMM_EXIT_KINDS 32u
struct hypike_vmm_exits {
	const char *name; /**< of their kind */
	uint64_t driver;  /**< that the hypervisor's driver settled */
	uint64_t vmm;	  /**< that the VMM did */
};

#define HYPIKE_VMM_COUNTERS 16u
/** What the guest and a device had to do with each other; counters that are 0 are left out. */
struct hypike_vmm_device {
	char name[32]; /**< of its kind, and a number where there are several: "virtio-net", "virtio-net 2" */
	unsigned int counters;
	struct {
		const char *name; /**< "reads" and "writes" of registers, "interrupts", "bytes sent" … */
		uint64_t value;
	} counter[HYPIKE_VMM_COUNTERS];
};

#define HYPIKE_VMM_DEVICES 48u
struct hypike_vmm_stats {
	unsigned int kinds; /**< `exits` that there are */
	struct hypike_vmm_exits exits[HYPIKE_VMM_EXIT_KINDS];
	unsigned int devices; /**< that have done anything yet */
	struct hypike_vmm_device device[HYPIKE_VMM_DEVICES];
	uint64_t entries;  /**< of the guest */
	uint64_t injected; /**< events */
	uint64_t resets;   /**< how often it was booted anew */
	uint64_t time_ns;  /**< since it was made, without pauses */
	uint64_t first_ns; /**< of them, until its first instruction */
};
HYPIKE_VMM_API const char *hypike_vmm_stats(struct hypike_vmm_stats *stats);

/**
 * Attach a connected stream socket to the console beside what hypike_vmm_console() gave it: output goes to both,
 * keys come from both. What isn't taken at once is lost. The one who was attached before is let go; the socket is
 * the VMM's from now on, where this succeeds.
 */
HYPIKE_VMM_API const char *hypike_vmm_console_attach(int fd);

/*
 * Screen, keyboard and mouse, from any thread while the VM runs (and the screen after its end). The VMM's
 * option --display gives the machine a framebuffer and a mouse besides its text screen.
 */

/** Size of what is shown, in pixels. @return false: no VM runs yet */
HYPIKE_VMM_API bool hypike_vmm_screen_size(unsigned int *width, unsigned int *height);
/**
 * Bring a picture of that size up to date, by one thread at a time; pixels are red << 16 | green << 8 | blue. Rows
 * [*first, *end) have changed. @return false: it has another size now
 */
HYPIKE_VMM_API bool hypike_vmm_screen_draw(uint32_t *pixels, unsigned int width, unsigned int height,
					   unsigned int *first, unsigned int *end);
/** A key is pressed or released: its make code in scan code set 1, + 80h where E0h comes before it. */
HYPIKE_VMM_API void hypike_vmm_key(unsigned int key, bool pressed);
/** The mouse moves right and down, its wheel towards the user; buttons: 1 left, 2 right, 4 middle. */
HYPIKE_VMM_API void hypike_vmm_mouse(int x, int y, int wheel, unsigned int buttons);

#endif
