/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file pci.h
 * PCI (PCI Local Bus Specification 3.0): one bus, its host bridge, and what a device on it needs.
 *
 * A PCI device is an ordinary device (device.h): its structure begins with a struct pci_device, whose
 * first member is a struct device. Its class has no ranges: memory it answers in is said by
 * pci_bar(), and `where` in its read() and write() is PCI_WHERE(bar, offset). The guest sizes, moves
 * and switches BARs as it likes; the bus sees to all that. The order of calls:
 *
 *	static struct foo { struct pci_device pci; ... } foo;	(zero)
 *	pci_init(&foo.pci, &class, &identity);
 *	pci_bar(&foo.pci, 0, 0x4000, PCI_BAR_64);		(0x1000 and larger, power of two)
 *	pci_capability(&foo.pci, PCI_CAP_VENDOR, bytes, size, writable);
 *	pci_msi(&foo.pci);					(a message in place of the pin)
 *	pci_msix(&foo.pci, 4, vectors);				(table and PBA get BAR 4 to themselves)
 *	foo.pci.hooks = &hooks;					(may stay NULL)
 *	pci_attach(&bus, &foo.pci, slot);			(the machine does this)
 *
 * and in class.reset: pci_reset(&foo.pci) first. All calls are made with the device lock held.
 */
#ifndef VMM_DEV_PCI_H
#define VMM_DEV_PCI_H

#include <hypike/hv.h>

#include "vmm/bus.h"
#include "vmm/dev/device.h"

#define PCI_CONFIG_SIZE 256u /**< bytes of configuration space; ECAM's others read as zero */
#define PCI_BARS	6u
#define PCI_SLOTS	32u
#define PCI_PINS	4u /**< interrupt lines behind the host bridge (PIRQA to PIRQD) */
#define PCI_MSIX_MAX	32u
#define PCI_BELLS	16u

/* Offsets in configuration space (6.1, figure 6-1). */
enum pci_config {
	PCI_VENDOR_ID = 0x00,
	PCI_DEVICE_ID = 0x02,
	PCI_COMMAND = 0x04,
	PCI_STATUS = 0x06,
	PCI_REVISION = 0x08,
	PCI_CLASS = 0x09, /**< programming interface, subclass, class */
	PCI_CACHE_LINE = 0x0c,
	PCI_LATENCY = 0x0d,
	PCI_HEADER_TYPE = 0x0e,
	PCI_BAR0 = 0x10,
	PCI_SUBSYSTEM_VENDOR = 0x2c,
	PCI_SUBSYSTEM_ID = 0x2e,
	PCI_CAPABILITIES = 0x34,
	PCI_INTERRUPT_LINE = 0x3c,
	PCI_INTERRUPT_PIN = 0x3d,
	PCI_CONFIG_FREE = 0x40, /**< capabilities follow */
};

/* Command register (6.2.2) and status register (6.2.3). */
#define PCI_COMMAND_MEMORY	 0x0002u
#define PCI_COMMAND_MASTER	 0x0004u
#define PCI_COMMAND_INTX_DISABLE 0x0400u
#define PCI_STATUS_INTX		 0x0008u
#define PCI_STATUS_CAPABILITIES	 0x0010u

/* Capability IDs (appendix H). */
#define PCI_CAP_MSI    0x05u
#define PCI_CAP_VENDOR 0x09u
#define PCI_CAP_MSIX   0x11u

/* Low bits of a memory BAR (6.2.5.1); flags of pci_bar(). */
#define PCI_BAR_64	 0x4u
#define PCI_BAR_PREFETCH 0x8u

/** A BAR that the guest has switched off, or not placed. */
#define PCI_UNMAPPED UINT64_MAX

/** `where` of an access to a BAR's memory; the highest four bits are the BAR. */
#define PCI_WHERE(bar, offset) ((uint64_t)(bar) << 28 | (offset))
#define PCI_WHERE_BAR(where)   ((unsigned int)((where) >> 28))
#define PCI_WHERE_OFFSET(where) ((uint32_t)((where)&0x0fffffffu))
/** Largest BAR. */
#define PCI_BAR_MAX UINT64_C(0x10000000)

struct pci_bus;
struct pci_device;

/** What a device is. */
struct pci_identity {
	uint16_t vendor, device;
	uint16_t subsystem_vendor, subsystem;
	uint32_t class_code; /**< class << 16 | subclass << 8 | programming interface */
	uint8_t revision;
	uint8_t pin; /**< interrupt pin: 1 is INTA#, 0 none */
};

/** What else a device may want to know; each may be NULL. */
struct pci_hooks {
	/** The guest is about to read [where, where + size) of pci->config: bring it up to date. */
	void (*config_reading)(struct pci_device *pci, unsigned int where, unsigned int size);
	/** The guest has written there (read-only bits have stayed). */
	void (*config_written)(struct pci_device *pci, unsigned int where, unsigned int size);
	/** The guest has enabled, disabled or masked MSI-X, or unmasked vectors. */
	void (*msix_changed)(struct pci_device *pci);
};

struct pci_bar {
	uint64_t size; /**< 0: there is none, or it is the upper half of the one before */
	uint64_t mapped; /**< where it answers now, or PCI_UNMAPPED */
	struct device *dev; /**< who answers */
};

/** A write that only signals (pci_doorbell()). */
struct pci_bell {
	uint32_t offset;
	uint8_t bar, size, signal;
	uint8_t on; /**< the hypervisor has it now, at `address` */
	uint64_t address;
};

/** Words of an entry of the MSI-X table (6.8.2.6 to 6.8.2.9). */
enum pci_msix_word {
	PCI_MSIX_ADDRESS,
	PCI_MSIX_ADDRESS_HIGH,
	PCI_MSIX_DATA,
	PCI_MSIX_CONTROL, /**< bit 0: masked */
	PCI_MSIX_WORDS
};

struct pci_msix {
	struct device dev; /**< answers in the table's BAR */
	struct pci_device *pci;
	uint16_t count;	     /**< 0: no MSI-X */
	uint16_t capability; /**< where it is in configuration space */
	uint16_t seen;	     /**< control word that was acted upon */
	uint32_t pending;    /**< PBA */
	uint32_t table[PCI_MSIX_MAX][PCI_MSIX_WORDS];
};

/** First member of every PCI device's structure. */
struct pci_device {
	struct device dev;
	struct pci_bus *bus; /**< NULL before pci_attach() */
	const struct pci_hooks *hooks;
	uint8_t config[PCI_CONFIG_SIZE];
	uint8_t mask[PCI_CONFIG_SIZE];	/**< bits that the guest can write */
	uint8_t start[PCI_CONFIG_SIZE]; /**< what `config` is after a reset */
	struct pci_bar bar[PCI_BARS];
	struct pci_bell bell[PCI_BELLS];
	struct pci_msix msix;
	uint16_t free; /**< first free byte for a capability */
	uint16_t last; /**< the last capability, 0: none */
	uint64_t interrupts; /**< asked for on the pin, or sent by MSI-X */
	uint8_t bells;
	uint8_t slot;
	uint16_t msi; /**< where its MSI capability is; 0: none */
	bool intx; /**< what the device asks for on its interrupt pin */
	bool msi_sent; /**< the message for this request */
	bool intx_driven; /**< what it drives */
};

/** What the bus asks of the machine: everything that goes out of it. */
struct pci_upstream {
	void *ctx;
	/** Send a message-signalled interrupt. */
	void (*msi)(void *ctx, uint64_t address, uint32_t data);
	/** Guest memory that is RAM as a whole, or NULL. */
	void *(*ram)(void *ctx, uint64_t address, uint64_t size, bool write);
	/** A signal bit for a doorbell that gives `ring`. @return false: no more of them. */
	bool (*signal)(void *ctx, const struct command *ring, uint8_t *signal);
	/** Add or remove a doorbell. @return false where the hypervisor refuses. */
	bool (*doorbell)(void *ctx, const struct hv_doorbell *bell, bool on);
};

struct pci_bus {
	struct device host; /**< answers at CF8h, CFCh and in ECAM */
	struct bus *memory; /**< where BARs appear */
	struct pci_upstream up;
	struct wire pin[PCI_PINS];	/**< active high; level-triggered, shared */
	uint32_t asserted[PCI_PINS];	/**< bit n: by slot n */
	struct pci_device bridge;	/**< slot 0 */
	struct pci_device *slot[PCI_SLOTS];
	uint32_t address; /**< CONFIG_ADDRESS */
};

/* ---------------------------------------------------------------------------- for devices */

/** Make it a device with this identity and no BARs or capabilities. Before everything else. */
void pci_init(struct pci_device *pci, const struct device_class *class,
	      const struct pci_identity *identity);
/** Give it memory: `size` is a power of two from 16 to PCI_BAR_MAX; a 64-bit BAR takes index + 1, too. */
void pci_bar(struct pci_device *pci, unsigned int index, uint64_t size, uint32_t flags);
/**
 * Add a capability; `body` (of `size` bytes) is what follows ID and next pointer.
 * @param writable the same number of bytes, bits that the guest can write; NULL: none.
 * @return where the capability (its ID) is in configuration space; 0: no room.
 */
unsigned int pci_capability(struct pci_device *pci, uint8_t id, const void *body, size_t size,
			    const void *writable);
/** Give it MSI with one message, which is sent in place of pci_intx()'s level where the guest wants that. */
void pci_msi(struct pci_device *pci);
/** Give it MSI-X with `vectors` (1 to PCI_MSIX_MAX), in a 32-bit BAR of 4 KiB of its own. */
void pci_msix(struct pci_device *pci, unsigned int bar, unsigned int vectors);
/** State after a reset: configuration space, BARs, MSI-X, pin. Called by the device's class.reset. */
void pci_reset(struct pci_device *pci);

/** Has the guest switched MSI-X on? */
bool pci_msix_enabled(const struct pci_device *pci);
/** Raise an MSI-X vector: now, or where it is masked as soon as it isn't. False: MSI-X is off, or there is no
 *  such vector. */
bool pci_msix_raise(struct pci_device *pci, unsigned int vector);
/** Level of the interrupt pin; with MSI switched on, a rise sends the message. */
void pci_intx(struct pci_device *pci, bool level);

/**
 * Memory of the guest for a device: all of [address, address + size) is RAM in one piece (and writable
 * where `write`) and the guest lets the device be a bus master; else NULL. Good until the lock is released.
 */
void *pci_dma(struct pci_device *pci, uint64_t address, uint64_t size, bool write);

/** A place in a BAR whose writes only signal. */
struct pci_bell_request {
	unsigned int bar;
	uint32_t offset;
	unsigned int size; /**< of the write; 0: any */
	struct command ring;
};

/**
 * Writes there only signal from now on: the guest goes on at once, and the event thread soon gives
 * `ring`, with the lock held; several may come as one. The doorbell follows the BAR wherever it is
 * moved. To be called after pci_attach(), once per place. Where the hypervisor cannot do it, and for
 * writes of another size, the write comes to the class's write(), as any other.
 * @return false where there are no more signals: then all writes come to the class's write().
 */
bool pci_doorbell(struct pci_device *pci, const struct pci_bell_request *request);
/** For class.loaded: takes over pci->config, which was replaced by a saved one. */
void pci_loaded(struct pci_device *pci);

/* ----------------------------------------------------------------------------- for the machine */

#define PCI_ECAM_SIZE UINT64_C(0x100000) /**< of one bus */

/** An empty bus with its host bridge in slot 0. */
void pci_bus_init(struct pci_bus *bus, struct bus *memory, const struct pci_upstream *up);
/** Let its host bridge be this one, of no other functions than those of `hooks` (may be NULL). */
void pci_host_bridge(struct pci_bus *bus, const struct pci_identity *identity,
		     const struct pci_hooks *hooks);
/** Attach the ports, and the memory-mapped configuration space at `ecam` (0: none). */
hv_status_t pci_bus_attach(struct pci_bus *bus, uint64_t ecam);
/** Put a device into a slot (1 to 31), once. HV_E_EXISTS where there is one. */
hv_status_t pci_attach(struct pci_bus *bus, struct pci_device *pci, unsigned int slot);
/** Reset every device, by its class. */
void pci_bus_reset(struct pci_bus *bus);
/**
 * What firmware does: place all BARs in [first, end), switch memory decoding on, and note the pins'
 * interrupts in `line` for systems that look there.
 */
void pci_assign(struct pci_bus *bus, uint64_t first, uint64_t end, const uint8_t line[PCI_PINS]);

/** Configuration access as by CF8h and CFCh: `where` is aligned to `size` (1, 2, 4). */
uint32_t pci_config_read(struct pci_bus *bus, unsigned int slot, unsigned int where,
			 unsigned int size);
void pci_config_write(struct pci_bus *bus, unsigned int slot, unsigned int where, unsigned int size,
		      uint32_t value);

/** The pin (0 to 3, into pci_bus.pin) that a device's INTA# to INTD# (0 to 3) is wired to. */
static inline unsigned int pci_swizzle(unsigned int slot, unsigned int intx)
{
	return (slot + intx) % PCI_PINS;
}

#endif
