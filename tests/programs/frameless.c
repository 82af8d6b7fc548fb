// Code without frame pointers: a frame of unknown size, a callback from the C library, a signal handler. Goes on for ARGV[1]
// seconds when that is given.
// flags: -O2 -fomit-frame-pointer
#include <alloca.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

volatile int sink;

__attribute__((noinline)) void leaf(int n)
{
	sink += n;
}

__attribute__((noinline)) int middle(int n, char *more)
{
	char text[200];
	memset(text, n, sizeof text);
	leaf(n);
	return text[n % 200] + more[0];
}

__attribute__((noinline)) int outer(int n)
{
	char *more = alloca(n * 16 + 16);
	more[0] = n;
	return middle(n + 1, more) * 3;
}

static int compare(const void *a, const void *b)
{
	sink += outer(3);
	return *(const int *)a - *(const int *)b;
}

static void handler(int number)
{
	sink += outer(number);
}

int main(int argc, char **argv)
{
	int numbers[] = {2, 1};
	time_t end = time(NULL) + (argc > 1 ? atoi(argv[1]) : 0);
	signal(SIGUSR1, handler);
	do {
		sink += outer(1);
		qsort(numbers, 2, sizeof *numbers, compare);
		raise(SIGUSR1);
		if (argc > 1)
			usleep(1000);
	} while (time(NULL) < end);
	return 0;
}
