# SPDX-License-Identifier: BSD-2-Clause
"""VMs under Debian's gdb (docs/debugging.md). @verifies GDB-003 GDB-010 GDB-011 GDB-012 GDB-013
@verifies GDB-022 GDB-030 GDB-040 TOOL-070 HV-041"""
from runner.case import BOOT, DUMMY, ICOUNT, SCALE, Case

FILE = "file {build}/guests/dummy/dummy64.elf\n"
CONNECT = "target remote $target\n"
ENDED = r"^hypike: exit status 0$"
NORMAL = ("normal",)


def _gdb(name, machine, script, *arguments, options=",wait", timeout=120, builds=NORMAL, **rest):
    return Case(f"gdb, {name}", machine,
                ["/usr/bin/python3", "{source}/tests/debugger.py", options, script,
                 "{build}/tools/hypike", "boot", *BOOT[machine], "--timeout", str(timeout * SCALE),
                 *arguments],
                timeout=timeout + 15, builds=builds, **rest)


# From the first instruction on: by symbol, by debug register, by step.
SESSION = FILE + CONNECT + """
printf "first instruction %d, PE %d\\n", $pc == (long)&boot_entry, $cr0 & 1
stepi
printf "32-bit step %d\\n", $pc - (long)&boot_entry
break timer_init
continue
backtrace 1
printf "long mode %d\\n", ($efer & 0x400) != 0
printf "byte under the breakpoint %d\\n", *(unsigned char *)timer_init != 0xcc
set $first = *(long *)boot_entry
monitor physical on
printf "the same by physical address %d\\n", *(long *)(long)&boot_entry == $first
monitor physical off
watch ticks[0]
continue
delete
printf "watched: %d\\n", ticks[0]
hbreak ticks_while_busy
continue
delete
set $n = 0
set $entered = 0
while $n < STEPS
  stepi
  set $n = $n + 1
  if $pc >= (long)&trap_stubs && $pc < (long)&copy_string
    set $entered = $entered + 1
  end
end
printf "steps %d, into handlers %d, interrupts on %d\\n", $n, $entered, ($eflags & 0x200) != 0
break test_run_all
monitor registers
monitor statistics
monitor nonsense
detach
"""

SAID = (r"^first instruction 1, PE 1$", r"^32-bit step 1$",
        r"^#0  timer_init \(\) at \.\./guests/dummy/timer\.c:\d+$",
        r"^long mode 1$", r"^byte under the breakpoint 1$", r"^addresses are guest-physical$",
        r"^the same by physical address 1$", r"^Hardware watchpoint 2: ticks\[0\]$", r"^Old value = 0$",
        r"^New value = 1$", r"^watched: 1$", r"ticks_while_busy \(\) at",
        r"^steps \d+, into handlers 0, interrupts on 1$",
        r"^vmm:   rip [0-9a-f]{16}", r"^vmm: exits ", r"^there is no nonsense",
        r"detached\]$", r"^ok \d+ - ticks-while-busy", ENDED)

# vCPU 1 from its first instruction in real mode to C.
SECOND = FILE + CONNECT + """
break lapic_send
continue
info threads
delete
break *0x8000
continue
delete
set scheduler-locking on
printf "real mode %d, at %x:%x\\n", ($cr0 & 1) == 0, $cs, $rip
info threads
stepi
stepi
printf "16-bit steps to %x\\n", $rip
set $n = 0
while $n < 60 && ($efer & 0x400) == 0
  stepi
  set $n = $n + 1
end
printf "into long mode %d\\n", ($efer & 0x400) != 0
while $n < 60 && $cs != 24
  stepi
  set $n = $n + 1
end
printf "64-bit code %d\\n", $cs == 24
set scheduler-locking off
break ap_main
continue
printf "vCPU %d in ap_main(%d)\\n", $_thread - 1, index
thread 1
printf "the other is vCPU %d\\n", $_thread - 1
thread 2
delete
continue
"""

TRIPLE = """file {build}/guests/attack/attack64.elf
""" + CONNECT + """
continue
printf "IDT limit %d\\n", $idtr_limit
x/i $pc
printf "of the IDT's end %d\\n", $rip > (long)lose_idt && $rip < (long)lose_idt + 64
info threads
continue
"""

# It runs; is looked at; goes on, twice.
PASSING = FILE + CONNECT + """
printf "stopped %d\\n", $rip != 0
break *(long)$rip
delete
detach
target-again
""" + FILE + CONNECT + """
info threads
"""

# While one VM stands for a second and a half, everybody else has what the plan gives.
STOPPED = FILE + CONNECT + """
break test_run_all
continue
shell sleep 1.5
delete
detach
"""

CASES = [
    _gdb("breakpoints, watchpoints, steps", "qemu-svm", SESSION.replace("STEPS", "50"), ICOUNT, *DUMMY,
         "--cmdline", "tests=boot,timer", expect=SAID, builds=("normal", "paranoid")),
    _gdb("breakpoints, watchpoints, steps", "bochs-vmx", SESSION.replace("STEPS", "20"), *DUMMY,
         "--cmdline", "tests=boot,timer", expect=SAID),
    _gdb("two vCPUs, real mode", "qemu-svm", SECOND, ICOUNT, "--cpus", "2", "--vcpus", "2", *DUMMY,
         "--cmdline", "tests=boot,smp",
         expect=(r'Thread 2 "vCPU 1" \(waits for its start\)', r"^real mode 1, at 800:0$",
                 r'^\* 2 +Thread 2 "vCPU 1" \(real mode\)', r"^16-bit steps to 2$",
                 r"^into long mode 1$", r"^64-bit code 1$", r"^vCPU 1 in ap_main\(1\)$",
                 r"^the other is vCPU 0$", r"exited normally\]$", ENDED)),
    _gdb("a triple fault after it happened", "qemu-svm", TRIPLE, ICOUNT, "--kernel",
         "{build}/guests/attack/attack.elf", "--cmdline", "act=triple-idt", "--memory", "16M",
         status=0,
         expect=(r"received signal SIGSEGV", r"^IDT limit 0$", r"ud2", r"^of the IDT's end 1$",
                 r"exited with code 0314\]$", r"exited with status 204$", r"^hypike: exit code 1$")),
    # While it stands, QEMU's clock of instructions leaps to whatever comes next, which a test of time may notice: that
    # it goes on to its own end is what counts.
    _gdb("one that comes and goes, and one that goes without a word", "qemu-svm", PASSING, ICOUNT,
         *DUMMY, options="", status=None,
         expect=(r"^stopped 1$", r"detached\]$", r'Thread 1 "vCPU 0"', r"^# the tests took \d+ TSC ticks",
                 r"^hypike: partition vm1 exited with status [01]$")),
]
