// Reads one byte of /dev/zero ARGV[1] times, then writes one byte to /dev/null ARGV[2] times.
// flags: -static
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	char byte = 0;
	int zero = open("/dev/zero", O_RDONLY), null = open("/dev/null", O_WRONLY);
	for (int i = 0; i < (argc > 1 ? atoi(argv[1]) : 1); i++)
		read(zero, &byte, 1);
	for (int i = 0; i < (argc > 2 ? atoi(argv[2]) : 0); i++)
		write(null, &byte, 1);
	return 0;
}
