// Prints how many BPF maps of that name there are in the kernel; a map is there as long as a program uses it.
#include <linux/bpf.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static long bpf(int command, union bpf_attr *attributes)
{
	return syscall(SYS_bpf, command, attributes, sizeof(*attributes));
}

int main(int argc, char **argv)
{
	uint32_t id = 0;
	int found = 0;
	if (argc < 2)
		return 2;
	for (;;) {
		union bpf_attr next = { .start_id = id };
		if (bpf(BPF_MAP_GET_NEXT_ID, &next))
			break;
		id = next.next_id;
		union bpf_attr open = { .map_id = id };
		int map = bpf(BPF_MAP_GET_FD_BY_ID, &open);
		if (map < 0)
			continue;
		struct bpf_map_info info = { 0 };
		union bpf_attr ask = { .info = { .bpf_fd = map, .info_len = sizeof(info), .info = (uintptr_t)&info } };
		if (!bpf(BPF_OBJ_GET_INFO_BY_FD, &ask) && !strcmp(info.name, argv[1]))
			found++;
		close(map);
	}
	printf("%d\n", found);
	return 0;
}
