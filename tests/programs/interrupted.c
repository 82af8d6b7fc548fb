// Runs a command that has a SIGINT waiting for it when it starts.
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	sigset_t interrupt;
	if (argc < 2)
		return 2;
	sigemptyset(&interrupt);
	sigaddset(&interrupt, SIGINT);
	sigprocmask(SIG_BLOCK, &interrupt, NULL);
	raise(SIGINT);
	execvp(argv[1], argv + 1);
	return 127;
}
