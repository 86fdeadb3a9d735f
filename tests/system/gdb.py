# SPDX-License-Identifier: BSD-2-Clause
"""VMs under Debian's gdb (docs/debugging.md): on HyPike, beside other partitions, and on KVM.
@verifies GDB-003 GDB-010 GDB-011 GDB-012 GDB-013
@verifies GDB-022 GDB-030 GDB-040 TOOL-070 HV-041"""
import shlex

from runner.case import BOOT, DUMMY, ICOUNT, SCALE, Case
from system.run import cannot_open

FILE = "file {build}/guests/dummy/dummy64.elf\n"
CONNECT = "target remote $target\n"
ENDED = r"^hypike: exit status 0$"
NORMAL = ("normal",)


def _gdb(name, machine, script, *arguments, options=",wait", timeout=120, builds=NORMAL, **rest):
    return Case(f"gdb, {name}", machine,
                ["/usr/bin/python3", "{source}/tests/debugger.py", script, "{build}/tools/hypike", "boot",
                 *BOOT[machine], "--gdb", f"unix:$target{options}", "--timeout", str(timeout * SCALE),
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

SECOND_SAID = (r'Thread 2 "vCPU 1" \(waits for its start\)', r"^real mode 1, at 800:0$",
               r'^\* 2 +Thread 2 "vCPU 1" \(real mode\)', r"^16-bit steps to 2$", r"^into long mode 1$",
               r"^64-bit code 1$", r"^vCPU 1 in ap_main\(1\)$", r"^the other is vCPU 0$", r"exited normally\]$",
               ENDED)

TRIPLE = """file {build}/guests/attack/attack64.elf
""" + CONNECT + """
continue
printf "IDT limit %d\\n", $idtr_limit
x/i $pc
printf "of the IDT's end %d\\n", $rip > (long)lose_idt && $rip < (long)lose_idt + 64
info threads
continue
"""

TRIPLE_SAID = (r"received signal SIGSEGV", r"^IDT limit 0$", r"ud2", r"^of the IDT's end 1$",
               r"exited with code 0314\]$")

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

# While one VM stands for as long as the other needs for twenty heartbeats, that has what the plan gives.
STOPPED = FILE + CONNECT + """
break test_run_all
continue
shell while test $(grep -c 'heartbeat .* ok' $output) -lt 20; do sleep 0.1; done
printf "still there %d\\n", $pc >= (long)&test_run_all && $pc < (long)&test_run_all + 16
delete
detach
"""

BESIDE = """partitions:
  watched:
    kind: vm
    memory: 16M
    kernel: {build}/guests/dummy/dummy.elf
    cmdline: tests=boot
  beside:
    kind: vm
    memory: 16M
    kernel: {build}/guests/dummy/dummy.elf
    cmdline: tests=boot loop=5
    service: true
plans:
  main:
    frame: 10ms
    cpus:
      0:
        windows:
          - partition: watched
            duration: 5ms
          - partition: beside
            duration: 5ms
trace:
  records: 256K
"""

# Booted anew from where it had come to: memory as at first, and the breakpoint there again.
RESET = FILE + CONNECT + """
set breakpoint always-inserted on
break timer_init
continue
set var ticks[0] = 1234
monitor reset
maintenance flush register-cache
printf "at its first instruction %d\\n", $pc == (long)&boot_entry
printf "ticks %d\\n", ticks[0]
continue
printf "ticks are %d again\\n", ticks[0]
delete
detach
"""

# On KVM in QEMU, where no breakpoint of KVM's is ever hit (docs/testing.md): registers, MSRs, memory, steps.
KVM_FIRST = FILE + CONNECT + """
printf "first instruction %d, PE %d\\n", $pc == (long)&boot_entry, $cr0 & 1
stepi
printf "32-bit step %d\\n", $pc - (long)&boot_entry
set can-use-hw-watchpoints 0
watch *(int *)&boot_pml4
continue
delete
printf "watched: %d\\n", *(int *)&boot_pml4 == (int)&boot_pdpt + 7
set $first = *(long *)boot_entry
monitor physical on
printf "the same by physical address %d\\n", *(long *)(long)&boot_entry == $first
monitor physical off
printf "pat %lx, lstar %lx\\n", $pat, $lstar
set $lstar = 0x123456789
set $mxcsr = 0x1f00
stepi
printf "lstar %lx, mxcsr %x\\n", $lstar, $mxcsr
set $lstar = 0
set $mxcsr = 0x1f80
monitor registers
monitor statistics
detach
"""

# One that runs, with two vCPUs: it stops when gdb comes and goes on when that leaves, and is not hurt.
KVM_TWO = """shell while test $(grep -c 'heartbeat .* ok' $output) -lt 2; do sleep 0.1; done
""" + FILE + CONNECT + """
info threads
set $halted = $pc
stepi
printf "out of the halt %d, interrupts on %d\\n", $pc != $halted, ($eflags & 0x200) != 0
set $n = 0
while $n < 10
  stepi
  set $n = $n + 1
end
thread 2
printf "64-bit code %d\\n", $cs == 8
monitor statistics
detach
shell n=$(grep -c beat $output); while test $(grep -c beat $output) -lt $((n + 4)); do sleep 0.1; done
target-again
""" + FILE + CONNECT + """
printf "again %d\\n", $cs == 8
kill
"""

KVM_TRIPLE = """file {build}/guests/attack/attack64.elf
""" + CONNECT + """
continue
x/8i lose_idt
info threads
continue
"""

KVM_RUN = "hypike run --gdb 1234"
KVM_VMS = ("relay:relay 1234 &",
           f"dummy:{KVM_RUN},wait --kernel dummy.elf --module initramfs.cpio --cmdline tests=boot,timer",
           f"two:{KVM_RUN} --cpus 2 --kernel dummy.elf --cmdline 'tests=boot,smp loop=25'",
           f"triple:{KVM_RUN},wait --kernel attack.elf --cmdline act=triple-idt")
KVM_FILES = (("dummy.elf", "guests/dummy/dummy.elf"), ("initramfs.cpio", "guests/dummy/initramfs.cpio"),
             ("attack.elf", "guests/attack/attack.elf"))
KVM_SAID = (r"^first instruction 1, PE 1$", r"^32-bit step 1$", r"^Watchpoint 1: \*\(int \*\)&boot_pml4$",
            r"^Old value = 0$", r"^watched: 1$", r"^the same by physical address 1$",
            r"^pat 7040600070406, lstar 0$", r"^lstar 123456789, mxcsr 1f00$",
            r"^vmm:   rip [0-9a-f]{16}", r"^vmm: exits ", r"detached\]$",
            r'Thread 1 "vCPU 0"', r'Thread 2 "vCPU 1"', r"^out of the halt 1, interrupts on 1$",
            r"^64-bit code 1$", r"^vmm: exits ", r"detached\]$", r"^again 1$", r"killed\]$",
            r"received signal SIGSEGV", r"<lose_idt\+26>:\tud2", r'Thread 1 "vCPU 0"',
            r"exited with code 0314\]$",
            r"^kvm: dummy ends with status 0$", r"heartbeat 8 ok", r"^kvm: two ends with status 208$",
            r"^kvm: triple ends with status 204$")

# On VT-x there are all of KVM's breakpoints, and a triple fault leaves the registers. When a step's instruction causes
# an EPT violation, as the first one does, Bochs leaves the step pending: it ends before the instruction.
KVM_VMX_FIRST = SESSION.replace("STEPS", "20").replace("stepi\n", "stepi\nstepi\n", 1)
KVM_VMX_VMS = ("relay:relay 1234 &",
               f"dummy:{KVM_RUN},wait --kernel dummy.elf --module initramfs.cpio --cmdline tests=boot,timer",
               f"two:{KVM_RUN},wait --cpus 2 --kernel dummy.elf --cmdline tests=boot,smp",
               f"triple:{KVM_RUN},wait -m 16M --kernel attack.elf --cmdline act=triple-idt")

# This computer's KVM, if only just: breakpoints of both kinds, steps in 32- and 64-bit mode.
HERE = FILE + CONNECT + """
stepi
printf "32-bit step %d\\n", $pc - (long)&boot_entry
hbreak boot_entry64
break rt_start
continue
set $at = $pc
stepi
printf "64-bit step %d\\n", $pc > $at && $pc < $at + 8
continue
printf "byte under the breakpoint %d\\n", *(unsigned char *)rt_start != 0xcc
backtrace 1
kill
"""


def _beside(name, machine, script, system, *arguments, expect):
    """Of several partitions, one is looked at; the plan holds throughout."""
    command = shlex.join(["python3", "{source}/tests/debugger.py", script, "{build}/tools/hypike", "boot",
                          *BOOT[machine], "--gdb", "unix:$target,vm=watched,wait", "--timeout",
                          str(100 * SCALE), *arguments, "--trace", "trace", "system.yaml"])
    return Case(f"gdb, {name}", machine,
                ["/bin/sh", "-c", f"cd {{work}}; printf %s {shlex.quote(system)} >system.yaml; {command} && "
                 "{build}/tools/hypike trace --check system.yaml --bound 50us trace"],
                expect=expect, timeout=200, builds=NORMAL)


def _kvm(name, machine, sessions, runs, **rest):
    """Several VMs in a Linux with KVM, one after the other, and a gdb for each."""
    return Case(f"gdb, {name}", machine,
                ["/usr/bin/python3", "{source}/tests/debugger.py", "machine-again\n".join(sessions),
                 "{source}/tests/kvm.py", "--on", machine.removeprefix("kvm-"), "--hypike", "{build}/tools/hypike",
                 "--debian", "{debian}", "--work", "{work}", "--channel", "$target",
                 *(f"--file={file}={{build}}/{path}" for file, path in KVM_FILES), "--", *runs],
                timeout=300, builds=NORMAL, **rest)


CASES = [
    _gdb("breakpoints, watchpoints, steps", "qemu-svm", SESSION.replace("STEPS", "50"), ICOUNT, *DUMMY,
         "--cmdline", "tests=boot,timer", expect=SAID, builds=("normal", "paranoid")),
    _gdb("breakpoints, watchpoints, steps", "bochs-vmx", SESSION.replace("STEPS", "20"), *DUMMY,
         "--cmdline", "tests=boot,timer", expect=SAID),
    _gdb("two vCPUs, real mode", "qemu-svm", SECOND, ICOUNT, "--cpus", "2", "--vcpus", "2", *DUMMY,
         "--cmdline", "tests=boot,smp", expect=SECOND_SAID),
    _gdb("a triple fault after it happened", "qemu-svm", TRIPLE, ICOUNT, "--kernel",
         "{build}/guests/attack/attack.elf", "--cmdline", "act=triple-idt", "--memory", "16M",
         status=0,
         expect=(*TRIPLE_SAID, r"exited with status 204$", r"^hypike: exit code 1$")),
    _gdb("monitor reset", "qemu-svm", RESET, ICOUNT, *DUMMY, "--cmdline", "tests=boot",
         expect=(r"^Breakpoint 1, timer_init", r"^at its first instruction 1$", r"^Breakpoint 1, timer_init",
                 r"^ticks are 0 again$", r"detached\]$", ENDED)),
    _beside("one beside another, which has its windows", "qemu-svm", STOPPED, BESIDE, ICOUNT,
            expect=(r"^still there 1$", r"detached\]$", r"^.*beside.*heartbeat 20 ok", ENDED,
                    r"^as planned: ")),
    _kvm("steps, memory, threads, a triple fault", "kvm-qemu", (KVM_FIRST, KVM_TWO, KVM_TRIPLE), KVM_VMS,
         expect=KVM_SAID),
    _kvm("breakpoints, watchpoints, steps, two vCPUs, a triple fault", "kvm-bochs",
         (KVM_VMX_FIRST, SECOND, TRIPLE), KVM_VMX_VMS,
         expect=(*SAID[:-2], *SECOND_SAID[:-1], *TRIPLE_SAID, r"^ok \d+ - ticks-while-busy",
                 r"^kvm: dummy ends with status 0$", r"^kvm: two ends with status 0$",
                 r"^kvm: triple ends with status 204$")),
    Case("gdb, breakpoints", "kvm",
         ["/usr/bin/python3", "{source}/tests/debugger.py", HERE, "{build}/tools/hypike", "run",
          "--accel", "kvm", "--timeout", "30", "--gdb", "unix:$target,wait",
          "--kernel", "{build}/guests/dummy/dummy.elf"],
         expect=(r"^32-bit step 1$", r"^Breakpoint 1, boot_entry", r"^64-bit step 1$",
                 r"^Breakpoint 2, rt_start", r"^byte under the breakpoint 1$", r"^#0  rt_start",
                 r"killed\]$", r"^hypike: exit code 208$"), skip=cannot_open, timeout=60, builds=NORMAL),
    # While it stands, QEMU's clock of instructions leaps to whatever comes next, which a test of time may notice: that
    # it goes on to its own end is what counts.
    _gdb("one that comes and goes, and one that goes without a word", "qemu-svm", PASSING, ICOUNT,
         *DUMMY, options="", status=None,
         expect=(r"^stopped 1$", r"detached\]$", r'Thread 1 "vCPU 0"', r"^# the tests took \d+ TSC ticks",
                 r"^hypike: partition vm1 exited with status [01]$")),
]
