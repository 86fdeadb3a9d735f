/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Machine `pc`: what an unmodified operating system of the PC expects to find, as firmware leaves it.
 *
 *     0        interrupt vectors, BIOS data area
 *     9FC00    extended BIOS data area (1 KiB), end of low memory
 *     A0000    nothing
 *     B8000    VGA text buffer
 *     C0000    ROM, empty: reads zeros, writes are lost
 *     100000   RAM up to its size, at most up to C0000000
 *     C0000000  PCI devices' memory
 *     E0000000  PCI configuration space of bus 0
 *     FEC00000  I/O APIC; FEE00000 local APIC
 *     100000000  the rest of RAM
 *
 * ACPI tables are in the ROM from F0000 on. With firmware (--firmware) the machine is left as after a reset: the
 * ROM is firmware's, and pc_firmware.c has what it needs to do the rest.
 *
 * Interrupts go to both 8259s and I/O APIC, whose inputs are: 2 the PIT, 1 and 3 to 15 those of the 8259s, 9 the
 * ACPI SCI, 16 to 19 the four PCI interrupt lines, which the 8259s have at 10 and 11. The PCI lines are active
 * low, all others active high. There is no HPET: PIT, ACPI timer, TSC and local APIC timer are enough.
 */
#include "lib/multiboot.h"
#include "lib/string.h"
#include "lib/x86/apic.h"
#include "vmm/dev/acpi_pm.h"
#include "vmm/dev/debug_ports.h"
#include "vmm/dev/i16550.h"
#include "vmm/dev/i8042.h"
#include "vmm/dev/i8254.h"
#include "vmm/dev/i8259.h"
#include "vmm/dev/ioapic.h"
#include "vmm/dev/mc146818.h"
#include "vmm/dev/pci.h"
#include "vmm/dev/port61.h"
#include "vmm/dev/pvpanic.h"
#include "vmm/dev/reset_ports.h"
#include "vmm/dev/test_device.h"
#include "vmm/dev/vga_text.h"
#include "vmm/machine/acpi.h"
#include "vmm/machine/kvm_pv.h"
#include "vmm/machine/machine.h"
#include "vmm/machine/pc_display.h"
#include "vmm/machine/pc_firmware.h"
#include "vmm/machine/pc_serial.h"
#include "vmm/machine/pc_virtio.h"
#include "vmm/options.h"
#include "vmm/pv.h"
#include "vmm/status.h"

#define LOW_END	   0x9fc00u /* of RAM for the guest: the extended BIOS data area follows */
#define EBDA_END   0xa0000u
#define ROM_START  0xc0000u
#define BIOS_START 0xf0000u
#define RESET_VECTOR 0xffff0u /* at the end of 4 GiB, too */
#define HIGH_START 0x100000u
#define PORT_POST  0x80u

#define IRQ_PIT	     0u
#define IRQ_KEYBOARD 1u
#define IRQ_COM2     3u
#define IRQ_COM1     4u
#define IRQ_RTC	     8u
#define IRQ_SCI	     9u
#define IRQ_MOUSE    12u
#define ISA_IRQS     16u

/* Inputs of the I/O APIC. */
#define GSI_PIT 2u
#define GSI_PCI 16u

/** Inputs of the 8259s that the four PCI lines lead to, as SeaBIOS has them. */
static const uint8_t pci_irq[PCI_PINS] = {11, 10, 10, 11};
/** Level-triggered ones, as firmware programs ELCR: the SCI and PCI's. */
#define ELCR_PORT 0x4d0u
#define ELCR_LEVEL (1u << IRQ_SCI | 1u << 10 | 1u << 11)

#define COM1_PORT 0x3f8u
#define COM2_PORT 0x2f8u

#define PCI_MEMORY     0xc0000000u
#define PCI_MEMORY_END 0xe0000000u
#define PCI_ECAM       0xe0000000u
/** Above RAM, for 64-bit BARs: 64 GiB from a multiple of it. */
#define PCI_MEMORY64_SIZE (UINT64_C(1) << 36)
#define FACS (LOW_END + 0x40u)

static struct {
	struct i8254 pit;
	struct i8259 pic;
	struct ioapic ioapic;
	struct pci_bus pci;
	struct acpi_pm pm;
	struct kvm_pv kvm;
	struct i16550 com1;
	struct i16550 *com2; /**< NULL: there is none */
	struct mc146818 rtc;
	struct port61 port61;
	struct i8042 kbc;
	struct reset_ports reset_ports;
	struct vga_text vga;
	struct debug_console debug_console;
	struct debug_exit debug_exit;
	struct bochs_shutdown bochs_shutdown;
	struct pvpanic pvpanic;
	struct test_device test_device;
	bool pit_to_pic, pit_to_ioapic; /**< who lets the PIT's interrupts through */
} pc;

/* The ports of the PCI host bridge come first: the reset port lies among them. */
static struct device *const devices[] = {
	&pc.pci.host,	     &pc.pic.dev,	 &pc.ioapic.dev,   &pc.pit.dev,
	&pc.com1.dev,	     &pc.rtc.dev,	 &pc.port61.dev,   &pc.kbc.dev,
	&pc.reset_ports.dev, &pc.vga.dev,	 &pc.pm.dev,	   &pc.debug_console.dev,
	&pc.debug_exit.dev,  &pc.bochs_shutdown.dev,
};
#define DEVICES (sizeof(devices) / sizeof(devices[0]))

/* ------------------------------------------------------------------------------------- connections */

/** An interrupt of the ISA bus, to both controllers. */
static void isa_line(void *ctx, unsigned int irq, bool level)
{
	(void)ctx;
	i8259_line(&pc.pic, irq, level);
	ioapic_line(&pc.ioapic, irq == IRQ_PIT ? GSI_PIT : irq, level);
}

/** The RTC's also shows in the power management registers. */
static void rtc_line(void *ctx, unsigned int irq, bool level)
{
	isa_line(ctx, irq, level);
	if (level)
		acpi_pm_rtc(&pc.pm);
}

/** A PCI interrupt line: low is active. Two each share an input of the 8259s. */
static void pci_line(void *ctx, unsigned int pin, bool asserted)
{
	const bool other = pc.pci.pin[pin ^ 3].level;

	(void)ctx;
	ioapic_line(&pc.ioapic, GSI_PCI + pin, !asserted);
	i8259_line(&pc.pic, pci_irq[pin], asserted || other);
}

/** The PIT's edges cost events: only while a controller lets them through. */
static void pit_wanted(void)
{
	i8254_want(&pc.pit, pc.pit_to_pic || pc.pit_to_ioapic);
}

static void pic_looks(void *ctx, uint32_t value)
{
	(void)ctx;
	if (value == I8259_LOOK_READ) {
		i8254_catch_up(&pc.pit);
		return;
	}
	pc.pit_to_pic = !(value & 1u << IRQ_PIT);
	pit_wanted();
}

static void ioapic_unmasked(void *ctx, uint32_t pins)
{
	(void)ctx;
	pc.pit_to_ioapic = (pins & 1u << GSI_PIT) != 0;
	pit_wanted();
}

static void ended_by_guest(void *ctx, uint32_t value)
{
	struct vm *vm = ctx;

	pc_serial_flush();
	if (value > VMM_STATUS_GUEST_MAX)
		vm_stop(vm, VMM_STATUS_GUEST_MAX, "ended by the guest with value %u", value);
	else
		vm_stop(vm, (int)value, NULL);
}

static void panicked(void *ctx, uint32_t events)
{
	struct vm *vm = ctx;

	pc_serial_flush();
	if (events & PVPANIC_PANICKED)
		vm_stop(vm, VMM_STATUS_PANIC, "the guest has panicked");
	else
		vm_log(vm, "the guest has panicked; its crash kernel goes on");
}

static void reset_by_guest(void *ctx, uint32_t value)
{
	(void)value;
	pc_serial_flush();
	vm_stop(ctx, VMM_STATUS_RESET, "reset by the guest");
}

static void switched_off(void *ctx, uint32_t value)
{
	(void)value;
	pc_serial_flush();
	vm_stop(ctx, 0, "switched off by the guest");
}

/** Keys go to the console device whose driver is up, else to the serial line. */
static void key_typed(void *ctx, uint8_t byte)
{
	(void)ctx;
	if (pc_virtio_wants_keys())
		pc_virtio_key(byte);
	else
		i16550_receive(&pc.com1, byte);
}

/** The receiver has room again: the event thread has more keys, perhaps. */
static void com1_room(void *ctx, uint32_t room)
{
	struct vm *vm = ctx;

	if (room > 0 && vm->keys_waiting)
		platform_wake();
}

/* What the I/O APIC and PCI devices ask of the VM. */

static void send_msi(void *ctx, uint64_t address, uint32_t data)
{
	/* A message that no local APIC takes is lost, as on a bus. */
	hv_msi(((struct vm *)ctx)->handle, address, data);
}

static void trap_eoi(void *ctx, unsigned int vector, bool on)
{
	hv_trap_eoi(((struct vm *)ctx)->handle, vector, on);
}

static void *pci_ram(void *ctx, uint64_t address, uint64_t size, bool write)
{
	return vm_ram(ctx, address, size, write ? HV_PROT_READ | HV_PROT_WRITE : HV_PROT_READ);
}

static bool pci_signal(void *ctx, const struct command *ring, uint8_t *signal)
{
	return vm_signal(ctx, ring, signal);
}

static bool pci_bell(void *ctx, const struct hv_doorbell *bell, bool on)
{
	const hv_vm_t handle = ((struct vm *)ctx)->handle;

	return (on ? hv_doorbell_add(handle, bell) : hv_doorbell_remove(handle, bell)) == HV_OK;
}

static void connect_pci(struct vm *vm)
{
	const struct pci_upstream up = {vm, send_msi, pci_ram, pci_signal, pci_bell};

	pci_bus_init(&pc.pci, &vm->bus, &up);
	for (uint16_t i = 0; i < PCI_PINS; i++)
		wire_connect(&pc.pci.pin[i], pci_line, NULL, i);
}

static void connect(struct vm *vm)
{
	const struct byte_sink console = {console_put, &vm->console};
	const struct command reset = {reset_by_guest, vm}, end = {ended_by_guest, vm};

	wire_connect(&pc.pic.intr, vm_intr, vm, 0);
	pc.pic.look = (struct command){pic_looks, NULL};
	wire_connect(&pc.pit.out, isa_line, NULL, IRQ_PIT);
	wire_connect(&pc.com1.irq, isa_line, NULL, IRQ_COM1);
	wire_connect(&pc.rtc.irq, rtc_line, NULL, IRQ_RTC);
	wire_connect(&pc.kbc.irq, isa_line, NULL, IRQ_KEYBOARD);
	wire_connect(&pc.kbc.aux_irq, isa_line, NULL, IRQ_MOUSE);
	wire_connect(&pc.pm.sci, isa_line, NULL, IRQ_SCI);
	pc.pm.off = (struct command){switched_off, vm};
	wire_connect(&pc.port61.gate2, i8254_gate, &pc.pit, 2);
	pc.port61.out2 = (struct probe){i8254_out2, &pc.pit};
	pc.com1.out = console;
	pc.com1.room = (struct command){com1_room, vm};
	vm->console.input = (struct byte_sink){key_typed, NULL};
	pc.debug_console.out = console;
	pc.debug_exit.exit = end;
	pc.bochs_shutdown.exit = end;
	pc.pvpanic.told = (struct command){panicked, vm};
	pc.kbc.reset = reset;
	pc.reset_ports.reset = reset;
}

/* ------------------------------------------------------------------------------------------ memory */

static uint64_t low_size(const struct vm *vm)
{
	return vm->ram_size < VM_LOW_LIMIT ? vm->ram_size : VM_LOW_LIMIT;
}

static hv_status_t map(struct vm *vm, uint64_t where, uint64_t end, uint32_t prot)
{
	return vm_map(vm, where, vm->ram + where, end - where, prot);
}

static hv_status_t map_high(struct vm *vm)
{
	uint64_t low = low_size(vm);

	if (low == vm->ram_size)
		return HV_OK;
	return vm_map(vm, VM_HIGH_START, vm->ram + low, vm->ram_size - low, HV_PROT_ALL);
}

/** Below 1 MiB, and the same once more at the end of 4 GiB. */
static hv_status_t map_rom(struct vm *vm)
{
	hv_status_t status = map(vm, ROM_START, HIGH_START, HV_PROT_READ | HV_PROT_EXEC);

	return status == HV_OK ? vm_map(vm, VM_HIGH_START - (HIGH_START - BIOS_START),
					vm->ram + BIOS_START, HIGH_START - BIOS_START,
					HV_PROT_READ | HV_PROT_EXEC)
			       : status;
}

static hv_status_t map_memory(struct vm *vm)
{
	hv_status_t status = map(vm, 0, EBDA_END, HV_PROT_ALL);

	if (status == HV_OK)
		status = map(vm, VGA_TEXT_ADDRESS, VGA_TEXT_ADDRESS + VGA_TEXT_SIZE, HV_PROT_ALL);
	if (status == HV_OK && vm->ram_size > HIGH_START)
		status = map(vm, HIGH_START, low_size(vm), HV_PROT_ALL);
	if (status == HV_OK)
		status = map_high(vm);
	if (status != HV_OK)
		return status;
	return vm->options->firmware ? pc_firmware_map(vm) : map_rom(vm);
}

static unsigned int memory_map(const struct vm *vm, struct machine_memory rows[MACHINE_MEMORY_ROWS])
{
	unsigned int n = 0;

	rows[n++] = (struct machine_memory){0, LOW_END, MULTIBOOT_MEMORY_AVAILABLE};
	rows[n++] = (struct machine_memory){LOW_END, EBDA_END - LOW_END,
					    MULTIBOOT_MEMORY_RESERVED};
	rows[n++] = (struct machine_memory){BIOS_START, HIGH_START - BIOS_START,
					    MULTIBOOT_MEMORY_RESERVED};
	if (vm->ram_size > HIGH_START)
		rows[n++] = (struct machine_memory){HIGH_START, low_size(vm) - HIGH_START,
						    MULTIBOOT_MEMORY_AVAILABLE};
	rows[n++] = (struct machine_memory){PCI_ECAM, PCI_ECAM_SIZE, MULTIBOOT_MEMORY_RESERVED};
	if (vm->ram_size > VM_LOW_LIMIT)
		rows[n++] = (struct machine_memory){VM_HIGH_START, vm->ram_size - VM_LOW_LIMIT,
						    MULTIBOOT_MEMORY_AVAILABLE};
	return n;
}

/* --------------------------------------------------------------------------- what firmware leaves */

static void store16(uint8_t *at, uint16_t value)
{
	memcpy(at, &value, sizeof(value));
}

/** BIOS data area (IBM PC/AT Technical Reference, "BIOS Data Area"), as far as systems read it. */
static void bios_data(struct vm *vm)
{
	uint8_t *bda = vm->ram + 0x400;

	memset(bda, 0, 0x100);
	store16(bda + 0x00, COM1_PORT);
	store16(bda + 0x0e, LOW_END >> 4); /* segment of the extended area */
	store16(bda + 0x02, pc.com2 != NULL ? COM2_PORT : 0);
	/* Equipment: FPU, 80 x 25 colour, serial ports. */
	store16(bda + 0x10, pc.com2 != NULL ? 0x0422 : 0x0222);
	store16(bda + 0x13, LOW_END >> 10);
	bda[0x49] = 3; /* video mode */
	store16(bda + 0x4a, VGA_TEXT_COLUMNS);
	store16(bda + 0x4c, 0x1000); /* page size */
	store16(bda + 0x60, 0x0e0d); /* cursor lines */
	store16(bda + 0x63, 0x3d4);
	bda[0x84] = VGA_TEXT_ROWS - 1;
	store16(bda + 0x85, 16); /* lines of a character */
	memset(vm->ram + LOW_END, 0, EBDA_END - LOW_END);
	vm->ram[LOW_END] = (EBDA_END - LOW_END) >> 10;
}

static void screen_clear(struct vm *vm)
{
	for (uint32_t i = 0; i < VGA_TEXT_SIZE; i += 2)
		store16(vm->ram + VGA_TEXT_ADDRESS + i, 0x0720);
}

static void store_rtc16(unsigned int index, uint64_t value)
{
	uint64_t limited = value < 0xffff ? value : 0xffff;

	mc146818_store(&pc.rtc, index, (uint8_t)limited);
	mc146818_store(&pc.rtc, index + 1, (uint8_t)(limited >> 8));
}

/** Memory sizes in CMOS RAM, as IBM and later SeaBIOS keep them. */
static void cmos_data(const struct vm *vm)
{
	const uint64_t mib = UINT64_C(1) << 20;
	uint64_t low = low_size(vm), high = (vm->ram_size - low) >> 16;

	mc146818_store(&pc.rtc, 0x14, 0x02); /* equipment: FPU */
	store_rtc16(0x15, EBDA_END >> 10);
	store_rtc16(0x17, (low - mib) >> 10);
	store_rtc16(0x30, (low - mib) >> 10);
	store_rtc16(0x34, low > 16 * mib ? (low - 16 * mib) >> 16 : 0);
	mc146818_store(&pc.rtc, 0x5b, (uint8_t)high);
	mc146818_store(&pc.rtc, 0x5c, (uint8_t)(high >> 8));
	mc146818_store(&pc.rtc, 0x5d, (uint8_t)(high >> 16));
	mc146818_store(&pc.rtc, 0x5f, (uint8_t)(vm->vcpu_count - 1));
}

static uint64_t high_size(const struct vm *vm)
{
	return vm->ram_size - low_size(vm);
}

static hv_status_t acpi_data(struct vm *vm, const struct acpi_room *room, uint32_t facs)
{
	const uint64_t high = high_size(vm);
	const uint64_t window = (VM_HIGH_START + high + PCI_MEMORY64_SIZE - 1) &
				~(PCI_MEMORY64_SIZE - 1);
	const struct acpi_machine machine = {
		.vcpus = vm->vcpu_count,
		.ioapic = IOAPIC_DEFAULT_BASE,
		.pm_base = ACPI_PM_BASE,
		.sci = IRQ_SCI,
		.pci_gsi = GSI_PCI,
		.pci_irq = pci_irq,
		.ecam = PCI_ECAM,
		.mmio = PCI_MEMORY,
		.mmio_end = PCI_MEMORY_END,
		.mmio64 = window,
		.mmio64_end = window + PCI_MEMORY64_SIZE,
		.com1 = COM1_PORT,
		.com1_irq = IRQ_COM1,
		.pvpanic = vm->options->no_pvpanic ? 0 : PVPANIC_PORT,
	};

	vm->rsdp = room->where;
	return acpi_build(&machine, room, facs, vm->ram + facs) ? HV_OK : HV_E_FULL;
}

/**
 * Where the CPU begins after INIT, and F000:FFF0, to which old systems jump in order to reset the machine: firmware
 * would do just that.
 * @req VMM-134 A CPU that begins at the reset vector, where there is no firmware, resets the machine.
 */
static void reset_vector(struct vm *vm)
{
	static const uint8_t code[] = {
		0xba, 0xf9, 0x0c, /* mov $0xcf9, %dx */
		0xb0, 0x06,	  /* mov $6, %al */
		0xee,		  /* out %al, %dx */
		0xf4,		  /* hlt */
	};

	memcpy(vm->ram + RESET_VECTOR, code, sizeof(code));
}

/** What firmware leaves, for a kernel that is loaded by us. ACPI tables are where they are searched for. */
static hv_status_t leave_as_firmware(struct vm *vm)
{
	const struct acpi_room room = {vm->ram + BIOS_START, BIOS_START, RESET_VECTOR - BIOS_START};

	pci_assign(&pc.pci, PCI_MEMORY, PCI_MEMORY_END, pci_irq);
	bios_data(vm);
	screen_clear(vm);
	reset_vector(vm);
	return acpi_data(vm, &room, FACS);
}

/** For firmware: everything as after a reset, and its ACPI tables at the end of low memory. */
static hv_status_t leave_to_firmware(struct vm *vm)
{
	const uint64_t end = low_size(vm);
	const uint32_t tables = (uint32_t)end - PC_FIRMWARE_ACPI_SIZE;
	const uint32_t facs = (uint32_t)end - ACPI_FACS_SIZE;
	const struct acpi_room room = {vm->ram + tables, tables, facs - tables};
	const struct pc_firmware_facts facts = {
		.low_end = end,
		.high_size = high_size(vm),
		.ecam = PCI_ECAM,
		.ecam_size = PCI_ECAM_SIZE,
		.rsdp = vm->ram + tables,
	};
	hv_status_t status = acpi_data(vm, &room, facs);

	return status == HV_OK ? pc_firmware_reset(&facts, &pc.rtc) : status;
}

/* ----------------------------------------------------------------------------------------- machine */

/** What the clock shows at first. A host that doesn't know the time has 2000-01-01 00:00. */
static uint64_t clock_start(const struct vm *vm)
{
	const uint64_t unknown = UINT64_C(946684800), limit = UINT64_C(1) << 36;
	uint64_t epoch = platform_epoch();

	if (vm->options->rtc != 0)
		return vm->options->rtc < limit ? vm->options->rtc : limit;
	return (epoch ? epoch : unknown) + platform_time() / 1000000000;
}

static hv_status_t com2_init(struct vm *vm)
{
	hv_status_t status = pc_serial_init(vm, COM2_PORT, &pc.com2);

	if (status != HV_OK || pc.com2 == NULL)
		return status;
	wire_connect(&pc.com2->irq, isa_line, NULL, IRQ_COM2);
	return bus_attach(&vm->bus, &pc.com2->dev);
}

static hv_status_t init(struct vm *vm)
{
	hv_status_t status = HV_OK;

	const struct ioapic_upstream ioapic_up = {vm, send_msi, trap_eoi, ioapic_unmasked};

	i8254_init(&pc.pit, &vm->timers);
	i8259_init(&pc.pic);
	ioapic_init(&pc.ioapic, &ioapic_up);
	acpi_pm_init(&pc.pm, &vm->timers);
	i16550_init(&pc.com1, &vm->timers, COM1_PORT);
	mc146818_init(&pc.rtc, &vm->timers, clock_start(vm));
	port61_init(&pc.port61);
	i8042_init(&pc.kbc);
	reset_ports_init(&pc.reset_ports);
	vga_text_init(&pc.vga, vm->ram + VGA_TEXT_ADDRESS);
	debug_console_init(&pc.debug_console);
	debug_exit_init(&pc.debug_exit);
	bochs_shutdown_init(&pc.bochs_shutdown);
	pvpanic_init(&pc.pvpanic);
	test_device_init(&pc.test_device);
	connect_pci(vm);
	connect(vm);
	status = pci_bus_attach(&pc.pci, PCI_ECAM);
	for (size_t i = 1; i < DEVICES && status == HV_OK; i++)
		status = bus_attach(&vm->bus, devices[i]);
	if (status == HV_OK && !vm->options->no_pvpanic)
		status = bus_attach(&vm->bus, &pc.pvpanic.dev);
	if (status == HV_OK && vm->options->test_device)
		status = bus_attach(&vm->bus, &pc.test_device.dev);
	if (status == HV_OK)
		status = com2_init(vm);
	if (status == HV_OK)
		status = pc_display_init(vm, &pc.pci, &pc.vga, &pc.kbc);
	if (status == HV_OK)
		status = pc_virtio_init(vm, &pc.pci);
	if (status == HV_OK && vm->options->firmware)
		status = pc_firmware_init(vm, &pc.pci);
	if (status == HV_OK)
		status = map_memory(vm);
	if (status == HV_OK)
		status = kvm_pv_init(&pc.kvm, vm, clock_start(vm));
	/* Written as a delay, thousands of times: nobody is there, so don't even ask. */
	return status == HV_OK ? hv_trap_ports(vm->handle, PORT_POST, 1, HV_PORT_ABSENT) : status;
}

static hv_status_t reset(struct vm *vm)
{
	for (size_t i = 0; i < DEVICES; i++)
		devices[i]->class->reset(devices[i]);
	pc.test_device.dev.class->reset(&pc.test_device.dev);
	if (pc.com2 != NULL)
		pc.com2->dev.class->reset(&pc.com2->dev);
	for (uint16_t i = 0; i < PCI_PINS; i++)
		pci_line(NULL, i, pc.pci.pin[i].level);
	pci_bus_reset(&pc.pci);
	kvm_pv_reset(&pc.kvm);
	pv_reset(vm);
	cmos_data(vm);
	/* Also for firmware: it programs ELCR where it knows the bridge to the ISA bus, and there is none. */
	bus_port_write(&vm->bus, ELCR_PORT, 2, ELCR_LEVEL);
	return vm->options->firmware ? leave_to_firmware(vm) : leave_as_firmware(vm);
}

static void eoi(struct vm *vm, uint32_t vector)
{
	(void)vm;
	ioapic_eoi(&pc.ioapic, vector);
}

static bool sysreg(struct vcpu *vcpu, uint32_t index, bool write, uint64_t *value)
{
	return kvm_pv_msr(&pc.kvm, vcpu, index, write, value);
}

static void send_break(struct vm *vm)
{
	(void)vm;
	i16550_break(&pc.com1);
}

static void button(struct vm *vm)
{
	(void)vm;
	acpi_pm_button(&pc.pm);
}

static uint8_t acknowledge(struct vm *vm)
{
	(void)vm;
	return i8259_acknowledge(&pc.pic);
}

static unsigned int room(struct vm *vm)
{
	(void)vm;
	return pc_virtio_wants_keys() ? pc_virtio_room() : i16550_room(&pc.com1);
}

static void screen(struct vm *vm, void (*put)(void *ctx, char c), void *ctx)
{
	(void)vm;
	vga_text_print(&pc.vga, put, ctx);
}

static void key(uint8_t number, bool pressed)
{
	i8042_key(&pc.kbc, number, pressed);
}

static void mouse(const struct ps2_motion *motion)
{
	i8042_mouse(&pc.kbc, motion);
}

/** Those that not every machine has come to nothing: nobody has asked them. */
static void each_device(void (*see)(void *ctx, const struct device *dev), void *ctx)
{
	for (size_t i = 0; i < DEVICES; i++)
		see(ctx, devices[i]);
	see(ctx, &pc.pvpanic.dev);
	see(ctx, &pc.test_device.dev);
	if (pc.com2 != NULL)
		see(ctx, &pc.com2->dev);
	for (unsigned int i = 1; i < PCI_SLOTS; i++)
		if (pc.pci.slot[i] != NULL)
			see(ctx, &pc.pci.slot[i]->dev);
	pc_display_devices(see, ctx);
	pc_firmware_devices(see, ctx);
}

const struct machine machine_pc = {
	.name = "pc",
	.init = init,
	.reset = reset,
	.acknowledge = acknowledge,
	.eoi = eoi,
	.sysreg = sysreg,
	.send_break = send_break,
	.button = button,
	.room = room,
	.screen = screen,
	.display = pc_display,
	.key = key,
	.mouse = mouse,
	.devices = each_device,
	.memory_map = memory_map,
};
