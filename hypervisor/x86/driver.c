/* SPDX-License-Identifier: BSD-2-Clause */
/** @file driver.c Choosing the back end, and what the driver can do. */
#include "hypervisor/driver.h"

#include "hypervisor/x86/arch.h"
#include "hypervisor/x86/vendor.h"

const struct vendor_ops *vendor;
struct driver_options driver_options;

/** Candidates in the order of asking; the build says which there are. */
extern const struct vendor_ops *const driver_vendors[];

hv_status_t driver_init(const struct driver_options *options, const char **reason)
{
	driver_options = *options;
	*reason = "this CPU has neither VT-x nor AMD-V";
	for (uint32_t i = 0; driver_vendors[i]; i++) {
		if (!driver_vendors[i]->present())
			continue;
		const hv_status_t status = driver_vendors[i]->check(reason);

		if (status == HV_OK)
			vendor = driver_vendors[i];
		return status;
	}
	return HV_E_UNSUPPORTED;
}

hv_status_t driver_cpu_init(const char **reason)
{
	if (!vendor) {
		*reason = "no virtualization back end was chosen";
		return HV_E_UNSUPPORTED;
	}
	return vendor->cpu_enable(reason);
}

void driver_cpu_exit(void)
{
	if (vendor)
		vendor->cpu_disable();
}

void driver_cpu_flush(void)
{
	if (vendor)
		vendor->cpu_flush();
}

const char *driver_name(void)
{
	return vendor ? vendor->name : "none";
}

void driver_query(struct hv_caps *caps)
{
	const uint32_t own = vendor->caps() | HV_CAP_TRAP_ID;
	/* With the CPU's help, no end of interrupt exits anyway. */
	const uint32_t pv_eoi = (own & HV_CAP_APIC_ASSIST) != 0 ? 0 : HV_CAP_PV_EOI;

	*caps = (struct hv_caps){.version = HV_VERSION,
				 .vendor = vendor->vendor,
				 .max_vcpus = HV_MAX_VCPUS,
				 .features = own | pv_eoi,
				 .guest_phys_limit = NPT_LIMIT,
				 .tsc_khz = host_tsc_khz()};
}
