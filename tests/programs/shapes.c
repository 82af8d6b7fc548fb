// Passes structs, unions, bit fields, enums, arrays and more to functions; `shapes` calls each once.
// tests/fixtures/shapes.elf is this program: gcc -O1 -g -fno-omit-frame-pointer -no-pie -o shapes.elf shapes.c -Wl,--build-id
#include <stdint.h>

#define KEEP __attribute__((noinline, noipa))

enum color { RED, GREEN = 5, BLUE };
enum level { LOW = -1, HIGH = 1 };

struct point {
	int x, y;
};

struct flags {
	unsigned low : 3;
	unsigned mid : 7;
	int sign : 4;
	unsigned long wide : 40;
};

struct shape {
	char name[8];
	struct point at;
	struct shape *next;
	enum color color;
	int grid[2][3];
	union {
		uint32_t word;
		uint8_t bytes[4];
	};
	int (*area)(struct shape *);
};

struct large {
	long values[4];
};

typedef struct shape shape_t;

int counter = 7;
uint64_t table[2] = { 11, 12 };

KEEP int numbers(int8_t a, uint16_t b, int32_t c, uint64_t d, _Bool e) { return a + b + c + (int)d + e; }
KEEP int many(int a, int b, int c, int d, int e, int f, int g, short h) { return a + b + c + d + e + f + g + h; }
KEEP int draw(struct shape *shape, const char *label) { return shape->at.x + label[0]; }
KEEP int paint(shape_t *shape, enum color color, enum level level) { return shape->at.y + color + level; }
KEEP int move(struct point by, struct point *from) { return by.x + from->y; }
KEEP int set(struct flags *flags) { return flags->low; }
KEEP int follow(struct shape **shape) { return (*shape)->at.x; }
KEEP double scale(double by, int times) { return by * times; }
KEEP struct large enlarge(struct large by, int times) { by.values[0] *= times; return by; }
KEEP int in_cpp(int by) __asm__("_ZN5shape4turnEi");
KEEP int in_cpp(int by) { return by; }
KEEP int in_cpp_too(long by) __asm__("_ZN5shape4turnEl");
KEEP int in_cpp_too(long by) { return (int)by; }

int main(void)
{
	char label[] = "label"; // on the stack, where it can be read
	struct shape second = { "second", { 3, 4 }, 0, BLUE, { { 1, 2, 3 }, { 4, 5, 6 } }, { 0x04030201 }, 0 };
	struct shape first = { "first", { 1, 2 }, &second, GREEN, { { 0 } }, { 0 }, 0 };
	struct shape *pointer = &first;
	struct flags flags = { 5, 100, -3, 0x1234567890 };
	struct large large = { { 21, 22, 23, 24 } };
	int result = numbers(-1, 65535, -70000, 0x1122334455667788, 1) + many(1, 2, 3, 4, 5, 6, 7, -8);
	result += draw(&second, label) + paint(&first, BLUE, LOW) + move(first.at, &second.at) + set(&flags);
	result += follow(&pointer) + (int)scale(2, 3) + (int)enlarge(large, 2).values[0] + in_cpp(9) + in_cpp_too(10);
	table[0]++;
	return result + counter == 0;
}
