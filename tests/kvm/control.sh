#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Runs a guest in the background and uses every command of `hypike` against it: for tests/system/control.py.
failed=0
check() { # NAME STATUS COMMAND...
	name=$1 wanted=$2
	shift 2
	"$@" >/tmp/said 2>&1
	status=$?
	if [ "$status" -eq "$wanted" ]; then
		echo "control: ok $name"
	else
		echo "control: not ok $name: status $status, not $wanted"
		sed 's/^/control:   /' /tmp/said
		failed=$((failed + 1))
	fi
}
says() { # NAME PATTERN: what the last command printed
	cp /tmp/said /tmp/before
	check "$1" 0 grep -E "$2" /tmp/before
	cp /tmp/before /tmp/said
}
beats() { grep -c '^heartbeat' /tmp/out; }
wait_for() { # SECONDS COMMAND...
	tries=$(($1 * 10))
	shift
	while [ "$tries" -gt 0 ]; do
		"$@" >/dev/null 2>&1 && return 0
		sleep 0.1
		tries=$((tries - 1))
	done
	return 1
}
more_beats() { [ "$(beats)" -gt "$1" ]; }
listed() { hypike ps --names | grep -qx "$1"; }

hypike run --kernel dummy.elf --cmdline 'tests=boot loop=10' --serial file=/tmp/out --name one &
one=$!
check "a machine is known by its name" 0 wait_for 10 listed one
check "and runs" 0 wait_for 20 more_beats 2
check "ps" 0 hypike ps
says "ps shows its state, memory, vCPUs and kernel" "^one +$one running +64M +1 .* dummy.elf$"
check "a name that is taken is refused" 200 hypike run --kernel dummy.elf --name one
check "nobody of that name" 3 hypike pause two
check "no name" 2 hypike pause
check "an option that it hasn't" 2 hypike pause --force one

check "pause" 0 hypike pause one
check "ps of a paused machine" 0 hypike ps
says "it is paused" "^one +$one paused "
before=$(beats)
check "stats of a paused machine" 0 hypike stats --json one
time_before=$(sed -n 's/.*"time_ns": \([0-9]*\).*/\1/p' /tmp/said)
sleep 3
check "it has said nothing meanwhile" 0 [ "$(beats)" -eq "$before" ]
check "stats later" 0 hypike stats --json one
says "time has stood still" "\"time_ns\": $time_before,"
check "paused twice is paused" 0 hypike pause one
check "resume" 0 hypike resume one
after=$(beats)
check "no beats are made up for" 0 [ "$after" -lt $((before + 20)) ]
check "it goes on" 0 wait_for 10 more_beats "$after"
check "the guest found nothing odd" 1 grep BAD /tmp/out

check "stats" 0 hypike stats one
says "stats has exits" '^  port +[0-9]+ +[0-9]+$'
says "and what devices did" '^  i16550 +reads [0-9]+, writes [0-9]+,.* bytes sent [0-9]+'
check "screenshot" 0 hypike screenshot one /tmp/one.png
check "it is a PNG of 640 x 400" 0 sh -c "head -c 24 /tmp/one.png | od -An -tx1 | tr -d ' \n' |
	grep -q '^89504e470d0a1a0a0000000d4948445200000280000001[9-9a-f]'"
(sleep 1; printf '\035h'; sleep 1; printf '\035d') | hypike console one >/tmp/console 2>&1
check "console shows what is said and takes command keys" 0 grep -q 'reset it' /tmp/console
check "and the machine's own output" 0 grep -q '^heartbeat' /tmp/console
check "and the run has both, too" 0 grep -q 'reset it' /tmp/out
check "it still runs" 0 listed one

# Whoever says nonsense, nothing, or reads nothing.
socket=$(ls /run/user/0/hypike/one.sock /tmp/hypike-0/one.sock 2>/dev/null)
check "the socket is its user's" 0 [ "$(stat -c %a:%u "$socket")" = 600:0 ]
check "and so is its folder" 0 [ "$(stat -c %a:%u "${socket%/*}")" = 700:0 ]
echo 'other:x:1000:1000::/:/bin/sh' >>/etc/passwd
check "another user has no way in" 1 su other -c "cat $socket"
says "who doesn't even see it" 'Permission denied'
check "garbage" 0 sh -c "head -c 100000 /dev/urandom | timeout 5 nc local:$socket; true"
for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
	(printf '{"command": "sta'; sleep 100) | nc "local:$socket" >/dev/null 2>&1 &
	half="$half $!"
done
check "behind many that send half a line" 0 hypike stats one
check "reset" 0 hypike reset one
check "it begins anew" 0 wait_for 20 sh -c "[ \"\$(grep -c '^heartbeat 1 ' /tmp/out)\" -eq 2 ]"
check "pause, to be reset" 0 hypike pause one
check "reset of a paused machine" 0 hypike reset one
check "begins it anew, running" 0 wait_for 20 sh -c "[ \"\$(grep -c '^heartbeat 1 ' /tmp/out)\" -eq 3 ]"
check "stop: it doesn't look at its button" 1 hypike stop --grace 1 one
check "stop --force" 0 hypike stop --grace 0 --force one
wait "$one"
check "its status" 0 [ $? -eq 208 ]
check "nothing is left of it" 1 listed one

hypike run --kernel dummy.elf --cmdline 'tests=boot button' --serial file=/tmp/out &
two=$!
check "a name of the kernel's" 0 wait_for 10 listed dummy
check "it waits" 0 wait_for 20 grep -q 'press the power button' /tmp/out
hypike run --kernel dummy.elf --cmdline 'tests=boot loop=10' --serial none &
three=$!
check "another one's" 0 wait_for 10 listed dummy-2
check "stop" 0 hypike stop dummy
wait "$two"
check "it has switched itself off" 0 [ $? -eq 0 ]
kill -9 "$three"
wait "$three" 2>/dev/null
check "what a killed one leaves is found" 1 listed dummy-2
check "and removed" 1 ls "${socket%/*}/dummy-2.sock"
chmod 777 "${socket%/*}"
check "a folder that others can write to is refused" 200 hypike run --kernel dummy.elf --name three
exit "$failed"
