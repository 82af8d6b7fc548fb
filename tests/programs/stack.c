// Calls level_a -> level_b -> leaf ARGV[1] times (default 1); `spin` seconds of CPU when ARGV[2] is given.
#include <stdlib.h>
#include <time.h>

volatile long sink;

// Unoptimized, so that it has a frame of its own although it calls nothing.
__attribute__((noinline, optimize("O0"))) int leaf(int n)
{
	sink += n;
	return n + 1;
}

__attribute__((noinline)) int level_b(int n)
{
	int result = leaf(n * 2);
	sink++;
	return result;
}

__attribute__((noinline)) int level_a(int n)
{
	int result = level_b(n + 1);
	sink++;
	return result;
}

__attribute__((noinline)) void spin(double seconds)
{
	struct timespec start, now;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
	do {
		for (int i = 0; i < 100000; i++)
			sink += i;
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	} while (now.tv_sec - start.tv_sec + (now.tv_nsec - start.tv_nsec) / 1e9 < seconds);
}

int main(int argc, char **argv)
{
	int times = argc > 1 ? atoi(argv[1]) : 1;
	for (int i = 0; i < times; i++)
		level_a(i);
	if (argc > 2)
		spin(atof(argv[2]));
	return 0;
}
