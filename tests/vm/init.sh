#!/bin/busybox sh
# The first process of a test machine: mounts what tracing needs, runs the tests, powers off.
export PATH=/bin:/usr/bin HOME=/root TERM=dumb
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
mount -t tmpfs tmp /tmp
mount -t debugfs debugfs /sys/kernel/debug
mount -t tracefs tracefs /sys/kernel/tracing
mount -t bpf bpf /sys/fs/bpf
mount -t cgroup2 cgroup2 /sys/fs/cgroup
stty -F /dev/ttyS1 raw -echo
ifconfig lo 127.0.0.1 up
hostname lancet
echo 0 > /proc/sys/kernel/kptr_restrict
echo 1 > /proc/sys/kernel/panic_on_oops
ulimit -l unlimited
cd /root
/usr/bin/kernel-tests --guest /cases > /dev/ttyS1
poweroff -f
