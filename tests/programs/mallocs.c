// Allocates ARGV[1] blocks of 100 bytes and frees them; nothing else in it allocates.
#include <stdlib.h>

int main(int argc, char **argv)
{
	for (int i = 0; i < atoi(argv[1]); i++) {
		char *volatile block = malloc(100);
		free(block);
	}
	return 0;
}
