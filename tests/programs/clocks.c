// Clocks, sleeping, random bytes and polling: prints claims, which hold on every run.
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static long long now(clockid_t clock) {
    struct timespec t;
    if (clock_gettime(clock, &t) != 0) return -1;
    return t.tv_sec * 1000000000ll + t.tv_nsec;
}

int main(void) {
    long long before = now(CLOCK_MONOTONIC), ordered = 1;
    for (int i = 0; i < 1000; i++) {
        long long later = now(CLOCK_MONOTONIC);
        ordered &= later >= before;
        before = later;
    }
    printf("monotonic: %lld\n", ordered);
    printf("after 2023: %d\n", now(CLOCK_REALTIME) > 1700000000ll * 1000000000);
    struct timespec resolution;
    printf("resolution: %d\n", clock_getres(CLOCK_MONOTONIC, &resolution) == 0 && resolution.tv_sec == 0);
    before = now(CLOCK_MONOTONIC);
    struct timespec pause = {0, 3000000};
    printf("slept: %d\n", nanosleep(&pause, NULL));
    long long slept = now(CLOCK_MONOTONIC) - before;
    printf("at least 3 ms: %d, below a minute: %d\n", slept >= 3000000, slept < 60000000000ll);
    unsigned char a[64], b[64];
    printf("random: %d %d, different: %d\n", getentropy(a, 64), getentropy(b, 64), memcmp(a, b, 64) != 0);
    struct pollfd ready = {.fd = 1, .events = POLLOUT};
    printf("can write: %d %d\n", poll(&ready, 1, 1000), (ready.revents & POLLOUT) != 0);
    return 0;
}
