// What can be damaged: functions, inlined functions, lines, structs, bit fields, a loop of types, arrays and a USDT probe.
// tests/fixtures/damage-*.elf are this program, without the C library; tests/fixtures/README.md says how they are compiled.

struct tree {
	struct tree *left, *right;
	struct { unsigned low : 3, high : 29; };
	enum { RED, BLACK = 5 } color;
	int grid[2][3];
	union { char text[16]; unsigned long word; } name;
	int (*compare)(const struct tree *, const struct tree *);
};

typedef struct tree tree_t;

volatile int sink;
unsigned short opened_semaphore __attribute__((section(".probes")));

static inline __attribute__((always_inline)) int weigh(const tree_t *tree, int by)
{
	sink += by;
	return tree->grid[1][2] * by;
}

__attribute__((noinline)) int look(tree_t *tree, const char *label, long depth)
{
	__asm__ volatile("990: nop\n"
			 ".pushsection .note.stapsdt,\"\",\"note\"\n"
			 ".balign 4\n"
			 ".4byte 992f-991f, 994f-993f, 3\n"
			 "991: .asciz \"stapsdt\"\n"
			 "992: .balign 4\n"
			 "993: .8byte 990b, _.stapsdt.base, opened_semaphore\n"
			 ".asciz \"shop\"\n"
			 ".asciz \"opened\"\n"
			 ".asciz \"-8@%0 8@8(%1) -4@$7\"\n"
			 "994: .balign 4\n"
			 ".popsection\n"
			 ".pushsection .stapsdt.base,\"aG\",\"progbits\",.stapsdt.base,comdat\n"
			 "_.stapsdt.base: .space 1\n"
			 ".popsection\n" ::"r"(depth), "r"(tree));
	return weigh(tree, label[0]) + weigh(tree->left, (int)depth);
}

__attribute__((noinline)) int walk(struct tree *tree, unsigned char depth)
{
	return depth ? walk(tree->right, depth - 1) + look(tree, tree->name.text, depth) : 0;
}

__attribute__((force_align_arg_pointer)) void _start(void)
{
	struct tree tree = { &tree, &tree, { 0, 0 }, RED, { { 0 } }, { "" }, 0 };
	sink = walk(&tree, 3);
	__asm__ volatile("syscall" ::"a"(60), "D"(0) : "rcx", "r11", "memory");
}
