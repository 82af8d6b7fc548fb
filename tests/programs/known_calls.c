// Threads that each call a function, and the kernel, a known number of times: known_calls THREADS TIMES.
#include <pthread.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

static long times;

__attribute__((noinline)) void known(long number) {
    __asm__ volatile("" : : "r"(number) : "memory");
}

static void *run(void *unused) {
    for (long number = 0; number < times; number++) {
        known(number);
        syscall(SYS_getppid);
    }
    return unused;
}

int main(int count, char **arguments) {
    if (count != 3)
        return 1;
    int threads = atoi(arguments[1]);
    times = atol(arguments[2]);
    pthread_t *all = calloc(threads, sizeof *all);
    for (int thread = 0; thread < threads; thread++)
        pthread_create(&all[thread], NULL, run, NULL);
    for (int thread = 0; thread < threads; thread++)
        pthread_join(all[thread], NULL);
    free(all);
    return 0;
}
