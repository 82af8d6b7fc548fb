// Makes system calls with known arguments, all of which fail, and one of 32 bits whose number is that of writev here.
// flags: -static
#define _GNU_SOURCE
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

static void ignore(int number) {
    (void)number;
    _exit(0);
}

int main(void) {
    syscall(SYS_preadv, -11, 12, 13, 14, 15);
    syscall(SYS_pwritev, -21, 22, 23, 24, 25);
    syscall(SYS_preadv2, -31, 32, 33, 34, 35, 36);
    syscall(SYS_pwritev2, -41, 42, 43, 44, 45, 46);
    // A kernel without 32-bit calls refuses this one.
    signal(SIGSEGV, ignore);
    long result;
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(20) : "memory");
    return 0;
}
