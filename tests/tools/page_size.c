// Makes programs believe that pages have MJ_TEST_PAGE bytes, a multiple of their real size:
//     cc -shared -fPIC -o target/page_size.so tests/tools/page_size.c -ldl
//     LD_PRELOAD=target/page_size.so MJ_TEST_PAGE=65536 target/debug/deps/running-...
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

long sysconf(int name) {
    const char *page = getenv("MJ_TEST_PAGE");
    if (name == _SC_PAGESIZE && page)
        return atol(page);
    long (*real)(int) = (long (*)(int))dlsym(RTLD_NEXT, "sysconf");
    return real(name);
}
