// Calls functions with known arguments: numbers(-1, 2, 300, 70000, 5, 6), text("hello"), sizes 1..10.
#include <stdint.h>
#include <stdlib.h>

volatile long sink;

__attribute__((noinline)) long numbers(int8_t a, uint8_t b, int16_t c, int d, long e, long f)
{
	sink += a + b + c + d + e + f;
	return -42;
}

__attribute__((noinline)) const char *text(const char *s)
{
	sink += s[0];
	return s;
}

__attribute__((noinline)) long size(long n)
{
	sink += n;
	return n;
}

int main(void)
{
	char word[] = "hello";
	numbers(-1, 2, 300, 70000, 5, 6);
	text(word);
	for (long n = 1; n <= 10; n++)
		size(n);
	return 0;
}
