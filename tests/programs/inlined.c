// main -> outer -> middle and inner, which are inlined -> leaf.
volatile long sink;

// Unoptimized, so that it has a frame of its own although it calls nothing.
__attribute__((noinline, optimize("O0"))) int leaf(int n)
{
	sink += n;
	return n + 1;
}

static inline __attribute__((always_inline)) int inner(int n)
{
	return leaf(n * 2) + 1;
}

static inline __attribute__((always_inline)) int middle(int n)
{
	return inner(n + 1) * 3;
}

__attribute__((noinline)) int outer(int n)
{
	return middle(n) + sink;
}

int main(void)
{
	return outer(1) == 0;
}
