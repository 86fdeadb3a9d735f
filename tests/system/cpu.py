# SPDX-License-Identifier: BSD-2-Clause
"""CPUs that lack something: HyPike says what, and ends. @verifies HV-101 HV-200"""
from runner.case import DUMMY, boot


def _lacks(machine, model, message):
    return boot(f"on {model}", machine, "--cpu", model, *DUMMY, status=1,
                expect=(message, r"^hypike: exit status [1-9]"), timeout=60, builds=("normal",))


CASES = [
    _lacks("qemu-svm", "max,-svm", "this CPU has neither VT-x nor AMD-V"),
    _lacks("qemu-svm", "max,-npt", "this CPU has AMD-V but no nested paging"),
    _lacks("bochs-vmx", "core2_penryn_t9600", "this CPU has VT-x but no EPT"),
    _lacks("bochs-vmx", "corei5_lynnfield_750", "this CPU has VT-x but no unrestricted guest"),
    _lacks("bochs-svm", "athlon64_venice", "this CPU has neither VT-x nor AMD-V"),
]
