// Calls number(i % 100) ARGV[2] times in each of ARGV[1] threads.
// flags: -static -pthread
#include <pthread.h>
#include <stdlib.h>

volatile long sink;
static long calls;

// Unoptimized, so that every call is made.
__attribute__((noinline, optimize("O0"))) void number(long n)
{
	sink = n;
}

static void *work(void *unused)
{
	for (long i = 0; i < calls; i++)
		number(i % 100);
	return unused;
}

int main(int argc, char **argv)
{
	pthread_t threads[64];
	int count = argc > 1 ? atoi(argv[1]) : 1;
	calls = argc > 2 ? atol(argv[2]) : 100;
	for (int i = 0; i < count; i++)
		pthread_create(&threads[i], 0, work, 0);
	for (int i = 0; i < count; i++)
		pthread_join(threads[i], 0);
	return 0;
}
