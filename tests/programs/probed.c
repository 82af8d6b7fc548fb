// USDT probes whose arguments are in all the places that compilers put them. The notes are written as sys/sdt.h does.
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define NOTE(name, semaphore, arguments, ...)                                                             \
    __asm__ volatile("990: nop\n"                                                                         \
                     ".pushsection .note.stapsdt,\"\",\"note\"\n"                                         \
                     ".balign 4\n"                                                                        \
                     ".4byte 992f-991f, 994f-993f, 3\n"                                                   \
                     "991: .asciz \"stapsdt\"\n"                                                          \
                     "992: .balign 4\n"                                                                   \
                     "993: .8byte 990b, _.stapsdt.base, " semaphore "\n"                                  \
                     ".asciz \"probed\"\n"                                                                \
                     ".asciz \"" name "\"\n"                                                              \
                     ".asciz \"" arguments "\"\n"                                                         \
                     "994: .balign 4\n"                                                                   \
                     ".popsection\n"                                                                      \
                     ".ifndef _.stapsdt.base\n"                                                           \
                     ".pushsection .stapsdt.base,\"aG\",\"progbits\",.stapsdt.base,comdat\n"              \
                     ".weak _.stapsdt.base\n"                                                             \
                     ".hidden _.stapsdt.base\n"                                                           \
                     "_.stapsdt.base: .space 1\n"                                                         \
                     ".popsection\n"                                                                      \
                     ".endif\n" ::__VA_ARGS__)

__attribute__((section(".probes"), used)) volatile unsigned short guarded_semaphore;

int limit = -7;
long table[4] = {10, 20, 30, 40};

__attribute__((noinline)) static void places(long index) {
    NOTE("memory", "0", "-8@8(%%rcx,%%rdx,8) -4@limit(%%rip) 8@table+16(%%rip) 8@$-3 2@%%bx 1@%%ah", "c"(table), "d"(index),
         "b"(0x7fff1234l), "a"(0xabcdl));
}

static inline __attribute__((always_inline)) void inlined(int value) {
    NOTE("inlined", "0", "-4@%0", "nor"(value));
}

int main(int count, char **words) {
    for (int round = 0; round < (count > 1 ? atoi(words[1]) : 1); round++) {
        long here = 100 + round;
        places(1);
        inlined(round);
        inlined(1000);
        __asm__ volatile("" : "+r"(here));
        NOTE("inlined", "0", "-4@%k0", "S"(here));
        NOTE("odd", "0", "8f@%%xmm0 -4@$5", "r"(round));
        if (guarded_semaphore) {
            NOTE("guarded", "guarded_semaphore", "-4@%k0", "r"(round));
        }
        if (count > 2)
            usleep(atoi(words[2]));
    }
    printf("semaphore %d\n", guarded_semaphore);
    return 0;
}
